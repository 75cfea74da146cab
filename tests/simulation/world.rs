//! The state of AWS during a run, and the record of the run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::clock::{self, Ms};
use crate::event::{Message, Request, Webhook};
use crate::faults::{Fault, Kind, Service};
use crate::random::Random;
use crate::schedule::{Schedule, Sockets, What};

/// Everything that happened during a run.
pub struct World {
    pub schedule: Schedule,
    pub calls: Vec<Call>,
    pub queued: Vec<Queued>,
    pub held: Vec<Held>,
    pub answers: Vec<Answer>,
    pub batches: Vec<Batch>,
    pub thaws: Vec<Thaw>,
    /// The index of the step whose request has this token.
    pub tokens: HashMap<String, usize>,
    pub lines: Vec<Line>,
    /// The function's mistakes in its calls to AWS and its answers to Lambda.
    pub complaints: Vec<String>,
    trace: Option<Vec<(Ms, String)>>,
}

#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

/// A call to AWS, or a wait for credentials.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function's index times 1000, plus the instance's number.
    pub instance: usize,
    pub service: Service,
    pub began: Ms,
    /// When the function received the answer, or abandoned the call.
    pub ended: Option<Ms>,
    pub result: Outcome,
    pub met: Kind,
    /// The number of the event in the call, if the schedule contains the event.
    pub event: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Pending,
    GivenUp,
    Unreachable,
    Denied,
    Invalid,
    /// The secret contains these webhooks' keys.
    Secret(Vec<Webhook>),
    Taken,
}

impl Call {
    pub fn is_secret(&self) -> bool {
        matches!(self.result, Outcome::Secret(_))
    }

    /// The end of the call, if the call ended by this time.
    pub fn ended_by(&self, time: Ms) -> Option<Ms> {
        self.ended.filter(|ended| *ended <= time)
    }
}

/// A message that SQS queued.
#[derive(Clone, Debug)]
pub struct Queued {
    pub id: String,
    pub message: Message,
}

/// A message in the held queue.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: String,
    pub token: String,
    pub sent: Ms,
    pub visible: Ms,
    pub left: Option<Ms>,
}

#[derive(Debug)]
pub struct Answer {
    pub step: usize,
    pub instance: usize,
    pub began: Ms,
    pub ended: Ms,
    pub status: i64,
    pub body: String,
    pub request_id: String,
}

/// A batch from the held queue. Its messages are indexes into `held`.
#[derive(Debug)]
pub struct Batch {
    pub instance: usize,
    pub began: Ms,
    pub ended: Ms,
    pub within: Ms,
    pub handed: Vec<usize>,
    pub stay: Vec<usize>,
    pub request_id: String,
    pub fault: Option<String>,
}

/// The end of a freeze.
#[derive(Clone, Copy, Debug)]
pub struct Thaw {
    pub instance: usize,
    pub at: Ms,
}

/// The members of a log line that the judge reads.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Line {
    pub outcome: String,
    pub reason: String,
    pub status: Option<i64>,
    pub source: String,
    pub request_id: String,
    pub secret_age_s: Option<u64>,
    pub event_id: Option<String>,
    #[serde(rename = "Lost")]
    pub lost: Option<u8>,
    pub undelivered: Option<Undelivered>,
    pub part: usize,
    pub parts: usize,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Undelivered {
    pub event_id: String,
    pub request_id: String,
    pub attributes: std::collections::BTreeMap<String, String>,
    pub group_id: Option<String>,
    pub deduplication_id: Option<String>,
    pub body: String,
}

/// The state of a function's connections after its last thaw, by service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connections {
    pub thaws: usize,
    pub sockets: Option<Sockets>,
    pub dead: [bool; 2],
}

impl Shared {
    pub fn new(schedule: Schedule, traced: bool) -> Self {
        Self(Arc::new(Mutex::new(World {
            schedule,
            calls: Vec::new(),
            queued: Vec::new(),
            held: Vec::new(),
            answers: Vec::new(),
            batches: Vec::new(),
            thaws: Vec::new(),
            tokens: HashMap::new(),
            lines: Vec::new(),
            complaints: Vec::new(),
            trace: traced.then(Vec::new),
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no thread panics while it locks the world")
    }
}

impl World {
    /// Adds an entry to the trace, at the current time.
    pub fn trace(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push((clock::now(), what()));
        }
    }

    /// The trace, ordered by time.
    pub fn traced(&self) -> String {
        let mut trace: Vec<&(Ms, String)> = self.trace.iter().flatten().collect();
        trace.sort_by_key(|(at, _)| *at);
        trace.iter().map(|(at, what)| format!("{} {what}\n", At(*at))).collect()
    }

    /// The request with this token.
    pub fn request_of(&self, token: &str) -> Option<Request> {
        match self.schedule.steps.get(*self.tokens.get(token)?)?.what {
            What::Request(request) => Some(request),
            _ => None,
        }
    }

    /// The fault of a call that begins now. `random` decides whether the call has a fault that only
    /// one call in several has.
    pub fn fault(&self, service: Service, random: &mut Random) -> Option<Fault> {
        let now = clock::now();
        let meets = |fault: &&Fault| {
            fault.service == service
                && (fault.from..fault.to).contains(&now)
                && random.one_in(fault.one_in)
        };
        self.schedule.faults.iter().find(meets).copied()
    }

    pub fn begin(
        &mut self,
        instance: usize,
        service: Service,
        met: Kind,
        event: Option<usize>,
    ) -> usize {
        let (began, result) = (clock::now(), Outcome::Pending);
        self.calls.push(Call { instance, service, began, ended: None, result, met, event });
        let call = self.calls.len() - 1;
        self.trace(|| {
            format!("{} calls {service:?}, with the fault {met:?} (call {call})", Name(instance))
        });
        call
    }

    pub fn end(&mut self, call: usize, result: Outcome) {
        self.trace(|| format!("call {call} ends: {result:?}"));
        let call = &mut self.calls[call];
        call.ended = Some(clock::now());
        call.result = result;
    }

    /// Abandons the calls that an instance has begun, in a fixed order. A dropped runtime would
    /// drop the calls in an order that differs from run to run.
    pub fn give_up(&mut self, instance: usize) {
        for call in 0..self.calls.len() {
            if self.calls[call].instance == instance && self.calls[call].ended.is_none() {
                self.end(call, Outcome::GivenUp);
            }
        }
    }

    /// Parses the log's lines.
    pub fn read_log(&mut self, log: &[u8]) {
        for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.trace(|| format!("log: {}", String::from_utf8_lossy(line)));
            match serde_json::from_slice(line) {
                Ok(line) => self.lines.push(line),
                Err(error) => self.complaints.push(format!("a log line that is not JSON: {error}")),
            }
        }
    }
}

/// A call under way, which the function may abandon.
pub struct UnderWay {
    pub world: Shared,
    pub call: Option<usize>,
}

impl UnderWay {
    pub fn end(mut self, result: Outcome) {
        if let Some(call) = self.call.take() {
            self.world.lock().end(call, result);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(call) = self.call else { return };
        let mut world = self.world.lock();
        if world.calls[call].ended.is_none() {
            world.end(call, Outcome::GivenUp);
        }
    }
}

/// Displays a time for the trace.
pub struct At(pub Ms);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// Displays an instance: its function and its number.
pub struct Name(pub usize);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f{}.{}", self.0 / 1_000, self.0 % 1_000)
    }
}
