//! The emulator of AWS, as a process.

use super::account::REGION;
use crate::support::{millis, seconds};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// A ministack of its own, with nothing in it. It ends when this is dropped.
pub struct Ministack {
    pub url: String,
    process: Child,
    folder: PathBuf,
}

impl Ministack {
    pub async fn start() -> Self {
        let python = std::env::var_os("ORACLE_PYTHON")
            .expect("ORACLE_PYTHON names a Python that has ministack; `make test` sets it up");
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("jwhook-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut process = Command::new(python)
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
            let runs = process.try_wait().is_ok_and(|ended| ended.is_none());
            assert!(runs && began.elapsed() < seconds(30), "ministack doesn't listen");
            tokio::time::sleep(millis(20)).await;
        }
        Self { url: format!("http://127.0.0.1:{port}"), process, folder }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody listens on, for this process's use: not one of those that the system gives to
/// whoever asks, which another test could be given before ministack listens on it.
fn free_port() -> u16 {
    static TRIES: AtomicU32 = AtomicU32::new(0);
    let mut ports = std::iter::repeat_with(|| {
        let number = std::process::id() * 16 + TRIES.fetch_add(1, Ordering::Relaxed);
        10_000 + u16::try_from(number % 20_000).expect("less than 20,000")
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("as many as are asked for")
}
