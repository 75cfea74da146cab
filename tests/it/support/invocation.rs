//! One invocation, from the event to its result.

use super::answer::Answer;
use super::function::Function;
use super::{seconds, wide_event};
use lambda_simulator::{Invocation, InvocationState, InvocationStatus, SimulatorPhase};
use serde_json::Value;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// Lambda allows ten seconds for the init phase and then starts the process again. One second is
/// left as a margin.
const INIT_MAX: Duration = seconds(9);

/// The settings that Lambda gives an invocation.
pub struct Setting {
    /// Lambda's timeout.
    pub within: Duration,
    pub trace: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { within: seconds(10), trace: None }
    }
}

/// The result of an invocation.
pub struct Ended {
    pub request_id: String,
    pub state: InvocationState,
    /// The time from the event to the end of the invocation.
    pub took: Duration,
    /// `took` minus the time in which the machine had no CPU for the function or for this test. In
    /// Lambda, a function does not share its CPU.
    pub waited: Duration,
}

/// Invokes the function and waits for the end, which must come before Lambda's deadline.
pub async fn run(function: &Function, event: Value, setting: &Setting) -> Ended {
    let Function { simulator, stderr, .. } = function;
    ready(function).await;
    let within = u64::try_from(setting.within.as_millis()).expect("a timeout");
    let mut invocation = Invocation::new(event, within);
    if let Some(trace) = &setting.trace {
        invocation.trace_id.clone_from(trace);
    }
    let began = invocation.created_at;
    let starved = function.starved();
    let request_id = simulator.enqueue(invocation).await;
    let state =
        simulator.wait_for_invocation_complete(&request_id, setting.within + seconds(5)).await;
    let state = state.unwrap_or_else(|error| panic!("no answer: {error}; {:#?}", stderr.lines()));
    let ended = state.response.as_ref().map(|response| response.received_at);
    let ended = ended.or_else(|| Some(state.error.as_ref()?.received_at)).expect("an end");
    let took = (ended - began).to_std().expect("no time before");
    let starved = function.starved().saturating_sub(starved);
    assert!(
        took < setting.within + starved,
        "answered after Lambda's deadline: {took:?}, of which {starved:?} without a CPU"
    );
    if let Some(response) = &state.response {
        function.answered(&response.payload);
    }
    Ended { request_id, state, took, waited: took.saturating_sub(starved) }
}

/// Waits until the function polls for invocations. The limit is Lambda's, plus the time in which
/// the machine had no CPU for the function.
async fn ready(function: &Function) {
    let began = Instant::now();
    while let Err(error) =
        function.simulator.wait_for_phase(SimulatorPhase::Ready, seconds(1)).await
    {
        let starved = function.starved();
        assert!(
            began.elapsed() < INIT_MAX + starved,
            "the function did not start: {error}, {starved:?} without a CPU; {:#?}",
            function.stderr.lines()
        );
    }
}

/// One request that is about to be sent.
pub struct Invoke<'f> {
    function: &'f Function,
    event: Value,
    setting: Setting,
}

impl<'f> Invoke<'f> {
    pub fn new(function: &'f Function, event: Value) -> Self {
        Self { function, event, setting: Setting::default() }
    }

    /// Sets Lambda's timeout. The default is ten seconds.
    pub fn within(mut self, within: Duration) -> Self {
        self.setting.within = within;
        self
    }

    /// Sets the invocation's X-Ray trace.
    pub fn traced(mut self, trace: &str) -> Self {
        self.setting.trace = Some(trace.into());
        self
    }

    async fn answer(self) -> Answer {
        let ended = run(self.function, self.event, &self.setting).await;
        let Ended { request_id, state, took, waited } = ended;
        assert_eq!(state.status, InvocationStatus::Success, "{:?}", state.error);
        let payload = state.response.expect("a success has a response").payload;
        let of_it = |line: &str| wide_event::of(line, &request_id);
        let log = self.function.stdout.find("the wide event", of_it).await;
        Answer::new(&payload, (took, waited), request_id, log)
    }
}

impl<'f> IntoFuture for Invoke<'f> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + 'f>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.answer())
    }
}
