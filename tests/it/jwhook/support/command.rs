//! Runs the binary as a person or a script does.

use super::account::Account;
use super::jw_api::JwApi;
use crate::support::{Canaries, TestFile, millis, seconds};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

/// The account's API secret at JW.
pub const API_SECRET: &str = "Canary-JW-API-secret-0123456789abcdefghijklmnopqrstuv";

/// A file with one root certificate, which no test needs. Reading this file instead of the system's
/// root certificates saves a debug build 26 ms of CPU time.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/root.pem");

/// A command line that is about to run with this account and this API.
pub struct Jwhook {
    environment: BTreeMap<String, String>,
    canaries: Vec<String>,
    arguments: Vec<String>,
}

/// The result of a run. The test fails if the output contains a secret.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Jwhook {
    /// A command for the stack, with the environment that a shell would have and without `--output
    /// json`.
    pub fn of(account: &Account, jw: &JwApi, arguments: &[&str]) -> Self {
        let mut environment = account.environment();
        environment.insert("JWHOOK_STACK".into(), account.stack_name.clone());
        environment.insert("JW_API_URL".into(), jw.url().to_owned());
        environment.insert("JW_API_SECRET".into(), API_SECRET.into());
        environment.insert("SSL_CERT_FILE".into(), ROOT.into());
        environment.insert("SSL_CERT_DIR".into(), "/nowhere".into());
        Self {
            environment,
            canaries: account.secrets_ever(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Runs the command to its end, without a terminal.
    pub async fn run(self, jw: &JwApi) -> Ran {
        self.spawn().end(jw).await
    }

    /// Runs the command to its end on a terminal, and answers the prompt. The result's stdout is
    /// what the terminal shows.
    pub async fn run_on_terminal(self, prompt: &str, answer: &str, jw: &JwApi) -> Ran {
        self.spawn_on_terminal(prompt, answer).end(jw).await
    }

    /// Runs the command to its end on a terminal, and answers the prompt with "yes". `meanwhile` is
    /// what somebody else does while the prompt is open.
    pub async fn run_while_asked(
        self,
        prompt: &str,
        meanwhile: impl AsyncFnOnce(),
        jw: &JwApi,
    ) -> Ran {
        let open = TestFile::of("");
        let path = Path::new(open.path());
        std::fs::remove_file(path).expect("the file was just created");
        let running = self.env("PROMPT_IS_OPEN", open.path()).spawn_on_terminal(prompt, "y");
        let began = Instant::now();
        while !path.exists() {
            assert!(began.elapsed() < seconds(20), "the command did not ask: {prompt}");
            tokio::time::sleep(millis(10)).await;
        }
        meanwhile().await;
        std::fs::remove_file(path).expect("the prompt is open");
        running.end(jw).await
    }

    fn spawn_on_terminal(self, prompt: &str, answer: &str) -> Running {
        let python = std::env::var_os("ORACLE_PYTHON").expect("ORACLE_PYTHON names a Python");
        let mut command = Command::new(python);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/jwhook/support/terminal.py");
        command.arg(script);
        command.args([prompt, answer, env!("CARGO_BIN_EXE_jwhook")]);
        self.start(command)
    }

    pub fn spawn(self) -> Running {
        self.start(Command::new(env!("CARGO_BIN_EXE_jwhook")))
    }

    fn start(self, mut command: Command) -> Running {
        let child = command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Running { child: Some(child), canaries: self.canaries }
    }
}

/// A command that is running.
pub struct Running {
    child: Option<Child>,
    canaries: Vec<String>,
}

impl Running {
    /// Kills the command, as if the machine lost its power.
    pub async fn kill(mut self, jw: &JwApi) -> Ran {
        let child = self.child.as_mut().expect("runs");
        child.kill().expect("it runs");
        self.end(jw).await
    }

    /// Closes the command's stdout, as `| head` does after enough lines.
    pub fn without_reader(mut self) -> Self {
        self.child.as_mut().expect("runs").stdout = None;
        self
    }

    /// Sends Ctrl-C.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends a signal by the name that `kill` uses.
    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("runs").id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Waits for the command's end.
    pub async fn end(mut self, jw: &JwApi) -> Ran {
        let child = self.child.take().expect("runs");
        let ended = tokio::task::spawn_blocking(|| child.wait_with_output()).await;
        let Output { status, stdout, stderr } = ended.expect("a thread").expect("a child");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let ran = Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        let mut canaries = Canaries::default();
        canaries.add(API_SECRET);
        canaries.add(super::account::SECRET_ACCESS_KEY);
        for secret in &self.canaries {
            canaries.add_secret(secret);
        }
        for (_, secret) in &jw.state().secrets {
            canaries.add_secret(secret);
        }
        for written in [&ran.stdout, &ran.stderr] {
            assert_eq!(canaries.first_in(written), None, "the command wrote a secret");
        }
        ran
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill(); // fails if the process has ended
            let _ = child.wait();
        }
    }
}

impl Ran {
    /// Returns the standard output. If the command failed, the test fails.
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout
    }

    /// Returns the JSON output. If the command failed, the test fails.
    pub fn json(self) -> Value {
        let stdout = self.done();
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
    }

    /// Returns the error: the only line that begins with `error: `. If the exit code is not 2, the
    /// test fails.
    pub fn error(self) -> String {
        assert_eq!(self.code, Some(2), "{self:#?}");
        let errors = self.stderr.lines().filter_map(|line| line.strip_prefix("error: "));
        match errors.collect::<Vec<_>>().as_slice() {
            [error] => (*error).to_owned(),
            _ => panic!("not exactly one error line: {self:#?}"),
        }
    }
}
