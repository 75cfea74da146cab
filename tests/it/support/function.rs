//! The forwarder as Lambda runs it: the binary, as a process, under a Runtime API.
//!
//! The Runtime API is the crate `lambda-simulator`. The simulator gives each invocation its own
//! deadline and trace, serves any number of concurrent polls, and can freeze the process between
//! invocations.

use super::answer::Answer;
use super::aws::{Aws, Operation};
use super::batch::{Deliver, Record};
use super::canaries::Canaries;
use super::delivery::Delivery;
use super::invocation::{self, Invoke, Setting};
use super::output::Output;
use super::service::Shared;
use super::start::{SECRET_ACCESS_KEY, SESSION_TOKEN, Start};
use super::{millis, one_second_passes, seconds, undelivered, wide_event};
use lambda_simulator::Simulator;
use serde_json::Value;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A running function. When a test drops it, the test fails if a secret, a token, a signature or a
/// credential was written anywhere, or if stdout contains anything unexpected.
pub struct Function {
    pub simulator: Simulator,
    process: Child,
    pub stdout: Output,
    pub stderr: Output,
    aws: Vec<Arc<Shared>>,
    tokens: Mutex<Vec<String>>,
    answers: Mutex<Vec<String>>,
}

impl Function {
    /// A function with only the environment variables that it needs.
    pub fn of(aws: &Aws) -> Start {
        Start::of(aws)
    }

    pub async fn start(aws: &Aws) -> Self {
        Self::of(aws).start().await
    }

    /// Wraps a process that was just started.
    pub fn new(simulator: Simulator, mut process: Child, aws: Vec<Arc<Shared>>) -> Self {
        Self {
            simulator,
            stdout: Output::of(process.stdout.take().expect("piped")),
            stderr: Output::of(process.stderr.take().expect("piped")),
            process,
            aws,
            tokens: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// Sends a delivery. Await the returned value to get the answer.
    pub fn invoke(&self, delivery: &Delivery) -> Invoke<'_> {
        self.invoke_event(delivery.event())
    }

    pub fn invoke_event(&self, event: Value) -> Invoke<'_> {
        let headers = event["headers"].as_object().into_iter().flatten();
        for (_, value) in headers.filter(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            let value = value.to_string();
            let words = value.split([' ', ',', '"']).filter(|word| word.contains('.'));
            self.tokens().extend(words.map(str::to_owned));
        }
        Invoke::new(self, event)
    }

    /// Delivers a batch from the held queue. Await the returned value to get the batch's result.
    pub fn deliver(&self, records: impl IntoIterator<Item = Record>) -> Deliver<'_> {
        let records: Vec<_> = records.into_iter().collect();
        let bodies = records.iter().filter_map(Record::body).filter(|body| body.contains('.'));
        self.tokens().extend(bodies.map(str::to_owned));
        Deliver::new(self, records)
    }

    /// Invokes the function with any event. Returns `None` if the invocation fails.
    pub async fn try_invoke(&self, event: Value) -> Option<Value> {
        let ended = invocation::run(self, event, &Setting::default()).await;
        Some(ended.state.response?.payload)
    }

    /// The wide events of an invocation so far.
    pub fn wide_events(&self, request_id: &str) -> Vec<Value> {
        self.stdout.lines().iter().filter_map(|line| wide_event::of(line, request_id)).collect()
    }

    /// Sends a delivery repeatedly until it gets this verdict.
    pub async fn until_verdict(
        &self,
        verdict: &str,
        delivery: &Delivery,
        within: Duration,
    ) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.invoke(delivery).await;
            let met = answer.verdict();
            if met == verdict {
                return answer;
            }
            assert!(began.elapsed() < within, "still {met} after {within:?}");
        }
    }

    /// Waits until the first fetch, which Secrets Manager denies, has ended and the function may
    /// fetch again.
    pub async fn may_fetch_again_after_a_denial(&self, aws: &Aws) {
        aws.until_calls(Operation::GetSecretValue, 1).await; // on a busy machine the start is slow
        let refused = |line: &str| line.contains("Secrets Manager denied the call").then_some(());
        self.stderr.find("Secrets Manager's denial", refused).await;
        one_second_passes().await;
    }

    /// The undelivered records so far, with their parts joined.
    pub fn undelivered(&self) -> Vec<Value> {
        undelivered::records(&self.stdout.lines())
    }

    /// Waits until the simulator has frozen the process, as Lambda does between invocations.
    pub async fn frozen(&self) {
        self.simulator
            .wait_for_frozen(seconds(5))
            .await
            .expect("the process is frozen after its answer");
    }

    /// How long the process and this thread were runnable without getting a CPU. This thread counts
    /// because it answers the process's calls.
    pub fn starved(&self) -> Duration {
        let waited = |of: &str| {
            // CPU time (ns), time on the run queue (ns), number of time slices
            let schedstat = std::fs::read_to_string(format!("/proc/{of}/schedstat"));
            let field = schedstat.ok()?.split(' ').nth(1)?.parse().ok()?;
            Some(Duration::from_nanos(field))
        };
        let process = waited(&self.process.id().to_string()).unwrap_or_default();
        process + waited("thread-self").unwrap_or_default()
    }

    /// Stops the process like a freeze, at a time that the test chooses.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Resumes a paused process.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(sent.success(), "SIG{name} to the function");
    }

    /// Whether the process is still running.
    pub fn runs(&mut self) -> bool {
        self.process.try_wait().expect("a child").is_none()
    }

    /// Waits until the process has ended on its own.
    pub async fn ended(&mut self) -> ExitStatus {
        for _ in 0..1000 {
            if let Some(status) = self.process.try_wait().expect("a child") {
                return status;
            }
            tokio::time::sleep(millis(10)).await;
        }
        panic!("the process still runs");
    }

    /// Kills the process and returns everything that it wrote.
    pub fn stop(&mut self) -> String {
        let _ = self.process.kill(); // fails if the process has ended
        let _ = self.process.wait();
        [self.stdout.join(), self.stderr.join()].concat().join("\n")
    }

    /// Stores an answer. When the test drops the function, the stored answers are searched for
    /// secrets.
    pub fn answered(&self, payload: &Value) {
        let mut answers = self.answers.lock().expect("no test panics while it locks the answers");
        answers.push(payload.to_string());
    }

    fn tokens(&self) -> MutexGuard<'_, Vec<String>> {
        self.tokens.lock().expect("no test panics while it locks the tokens")
    }

    fn canaries(&self) -> Canaries {
        let mut canaries = Canaries::default();
        canaries.add(SECRET_ACCESS_KEY);
        canaries.add(SESSION_TOKEN);
        let secrets: Vec<_> =
            self.aws.iter().flat_map(|aws| aws.state().secrets_ever.clone()).collect();
        for secret in &secrets {
            canaries.add_secret(secret);
        }
        for token in self.tokens().iter() {
            canaries.add_token(token, &secrets);
        }
        canaries
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop();
        let (stdout, stderr) = (self.stdout.lines(), self.stderr.lines());
        if std::thread::panicking() {
            let shown = [stdout, stderr].concat().into_iter().rev().take(40).collect::<Vec<_>>();
            eprintln!("the function's last lines, newest first: {shown:#?}");
            return;
        }
        let canaries = self.canaries();
        let answers = self.answers.lock().expect("no test panics while it locks the answers");
        for written in stdout.iter().chain(&stderr).chain(answers.iter()) {
            assert_eq!(
                canaries.first_in(written),
                None,
                "a secret, a token or a signature was written"
            );
        }
        for line in &stdout {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            let known = value.get("outcome").is_some() || value.get("undelivered").is_some();
            assert!(known, "neither a wide event nor an undelivered record: {line}");
        }
    }
}
