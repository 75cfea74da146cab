//! Runs the emulator of AWS as a process.

use super::account::REGION;
use crate::support::{millis, seconds};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// An empty AWS account in ministack. `make test` starts a ministack and sets `MINISTACK_URL`. If
/// the variable is not set, this type starts a ministack, and stops it when the test drops the
/// account.
pub struct Ministack {
    pub url: String,
    /// The account's ID. In ministack it is also the access key.
    pub account_id: String,
    _process: Option<Process>,
}

struct Process {
    child: Child,
    folder: PathBuf,
}

impl Ministack {
    pub async fn start() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let account_id = format!("{:012}", now.as_nanos() % 1_000_000_000_000); // unique
        let (url, process) = match std::env::var("MINISTACK_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let (url, process) = Process::start().await;
                (url, Some(process))
            }
        };
        Self { url, account_id, _process: process }
    }
}

impl Process {
    async fn start() -> (String, Self) {
        let python = std::env::var_os("ORACLE_PYTHON")
            .expect("ORACLE_PYTHON names a Python that has ministack; `make test` sets it up");
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("jwhook-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut child = Command::new(python)
            .args(["-m", "ministack"])
            .envs([
                ("BIND_HOST", "127.0.0.1"),
                ("GATEWAY_PORT", &port.to_string()),
                ("MINISTACK_HOST", "127.0.0.1"),
                ("MINISTACK_REGION", REGION),
                ("SERVICES", "cloudformation,iam,logs,secretsmanager,sqs,sts"),
                ("AUTH", "false"),
                ("PERSIST_STATE", "0"),
                ("LOG_LEVEL", "ERROR"),
                ("TMPDIR", folder.to_str().expect("UTF-8")),
                ("DOCKER_HOST", "unix:///nowhere"),
                ("IOT_MTLS_ENABLED", "0"),
                ("SFTP_ENABLED", "0"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ORACLE_PYTHON runs");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let runs = child.try_wait().is_ok_and(|ended| ended.is_none());
            assert!(runs && began.elapsed() < seconds(30), "ministack doesn't listen");
            tokio::time::sleep(millis(20)).await;
        }
        (format!("http://127.0.0.1:{port}"), Self { child, folder })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // fails if the process has ended
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A free port for this process. The port is outside the range from which the system assigns ports,
/// because the system could give such a port to another test before ministack listens on it.
fn free_port() -> u16 {
    static TRIES: AtomicU32 = AtomicU32::new(0);
    let mut ports = std::iter::repeat_with(|| {
        let number = std::process::id() * 16 + TRIES.fetch_add(1, Ordering::Relaxed);
        10_000 + u16::try_from(number % 20_000).expect("less than 20,000")
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("enough free ports")
}
