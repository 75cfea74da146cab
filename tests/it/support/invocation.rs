//! One invocation, from the event to what came of it.

use super::answer::Answer;
use super::function::Function;
use super::seconds;
use lambda_simulator::{Invocation, InvocationStatus, SimulatorPhase};
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;

/// Lambda gives a start ten seconds, whatever AWS does meanwhile, and starts again after them.
const INIT_MAX: Duration = seconds(9);

/// One invocation about to be made.
pub struct Invoke<'f> {
    function: &'f Function,
    event: Value,
    within: Duration,
    trace: Option<String>,
}

impl<'f> Invoke<'f> {
    pub fn new(function: &'f Function, event: Value) -> Self {
        Self { function, event, within: seconds(10), trace: None }
    }

    /// Sets Lambda's time-out, in place of ten seconds.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Sets the invocation's X-Ray trace.
    pub fn traced(mut self, trace: &str) -> Self {
        self.trace = Some(trace.into());
        self
    }

    async fn answer(self) -> Answer {
        let Function { simulator, stdout, stderr, .. } = self.function;
        let ready = simulator.wait_for_phase(SimulatorPhase::Ready, INIT_MAX).await;
        ready.unwrap_or_else(|error| {
            panic!(
                "no start: {error}, {:?} without a CPU; {:#?}",
                self.function.starved(),
                stderr.lines()
            )
        });
        let within = u64::try_from(self.within.as_millis()).expect("a time-out");
        let mut invocation = Invocation::new(self.event, within);
        invocation.trace_id = self.trace.unwrap_or(invocation.trace_id);
        let began = invocation.created_at;
        let starved = self.function.starved();
        let id = simulator.enqueue(invocation).await;
        let state = simulator.wait_for_invocation_complete(&id, self.within + seconds(5)).await;
        let state =
            state.unwrap_or_else(|error| panic!("no answer: {error}; {:#?}", stderr.lines()));
        assert_eq!(state.status, InvocationStatus::Success, "{:?}", state.error);
        let response = state.response.expect("a success has a response");
        let took = (response.received_at - began).to_std().expect("no time before");
        // A Lambda function has its CPU to itself. Here it may wait for one, and so may this test.
        let starved = self.function.starved().saturating_sub(starved);
        assert!(
            took < self.within + starved,
            "answered after Lambda's deadline: {took:?}, of which {starved:?} without a CPU"
        );
        let payload = response.payload;
        self.function.answered(&payload);
        let log = stdout.find("the wide event", |line| wide_event(line, &id)).await;
        Answer::new(&payload, took, id, log)
    }
}

impl<'f> IntoFuture for Invoke<'f> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + 'f>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.answer())
    }
}

fn wide_event(line: &str, request_id: &str) -> Option<Value> {
    if !line.contains(request_id) {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    (value["request_id"] == request_id && value.get("outcome").is_some()).then_some(value)
}
