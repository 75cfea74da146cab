//! Runs the forwarder as a process and measures it. The output is not stored.

use super::runtime_api::RuntimeApi;
use crate::support::{Aws, Function};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The kernel reports CPU time in `/proc` in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

pub struct Process {
    pub api: RuntimeApi,
    child: Child,
    undelivered: Arc<AtomicUsize>,
}

impl Process {
    pub async fn start(aws: &Aws, concurrency: u8, secret_ttl: Duration) -> Self {
        let api = RuntimeApi::start().await;
        let mut child = Function::of(aws)
            .concurrency(concurrency)
            .env("SECRET_TTL_SECONDS", &secret_ttl.as_secs().to_string())
            .spawn(api.address);
        let undelivered = Arc::new(AtomicUsize::new(0));
        count(child.stdout.take().expect("piped"), undelivered.clone());
        count(child.stderr.take().expect("piped"), undelivered.clone());
        Self { api, child, undelivered }
    }

    /// Whether the process is still running.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub fn undelivered(&self) -> usize {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// The process's memory, in kB.
    pub fn resident(&self) -> usize {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// The process's CPU time so far.
    pub fn cpu(&self) -> Duration {
        let stat = self.read("stat");
        let (_, fields) = stat.rsplit_once(") ").expect("the name in brackets");
        let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u32>());
        ticks.map(|ticks| TICK * ticks.expect("a number")).sum()
    }

    fn read(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(path).expect("the process lives")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // fails if the process has ended
        let _ = self.child.wait();
    }
}

fn count(pipe: impl Read + Send + 'static, undelivered: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let record = serde_json::from_slice::<Value>(&line).unwrap_or_default();
            if record.get("undelivered").is_some() {
                undelivered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
}
