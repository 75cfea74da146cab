//! A batch from the held queue, as Lambda's event source mapping delivers it, and its result.

use super::function::Function;
use super::invocation::{Ended, Setting, run};
use super::wide_event;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HELD_QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:jw-held";

/// One message from the held queue.
#[derive(Clone, Debug)]
pub struct Record(Value);

impl Record {
    /// A message with this body, sent to the held queue a minute ago.
    pub fn new(id: &str, body: &str) -> Self {
        let record = Self(json!({
            "messageId": id,
            "receiptHandle": "AQEBzbVv2vG2r5JjQ8yH6Vn0s7d3kP1xT9eLw4uC5aR6fM8=",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SenderId": "AROAEXAMPLE:jw-forwarder",
            },
            "messageAttributes": {},
            "md5OfBody": hex::encode(Md5::digest(body)),
            "eventSource": "aws:sqs",
            "eventSourceARN": HELD_QUEUE_ARN,
            "awsRegion": "eu-west-1",
        }));
        record.sent(-60)
    }

    /// Sets the time of sending, in seconds from now.
    pub fn sent(self, seconds_from_now: i64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        self.sent_at(i64::try_from(now).expect("a time") + seconds_from_now * 1_000)
    }

    /// Sets the time of sending, in milliseconds since 1970.
    pub fn sent_at(mut self, milliseconds: i64) -> Self {
        let milliseconds = milliseconds.to_string();
        self.0["attributes"]["ApproximateFirstReceiveTimestamp"] = json!(milliseconds);
        self.0["attributes"]["SentTimestamp"] = json!(milliseconds);
        self
    }

    /// The same message from another queue.
    pub fn of_queue(self, arn: &str) -> Self {
        self.with("eventSourceARN", json!(arn))
    }

    /// Replaces a member.
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.0[member] = value;
        self
    }

    pub fn without(mut self, member: &str) -> Self {
        self.0.as_object_mut().expect("an object").remove(member);
        self
    }

    /// Replaces an attribute.
    pub fn with_attribute(mut self, name: &str, value: Value) -> Self {
        self.0["attributes"][name] = value;
        self
    }

    pub fn without_attribute(mut self, name: &str) -> Self {
        self.0["attributes"].as_object_mut().expect("an object").remove(name);
        self
    }

    pub fn body(&self) -> Option<&str> {
        self.0["body"].as_str()
    }
}

/// The result of a batch.
#[derive(Debug)]
pub struct Batch {
    /// The IDs of the messages that stay in the queue, in order.
    pub stay: Vec<String>,
    /// Whether all messages stay. This is so after an invocation that failed or that returned a
    /// failure without a message ID.
    pub all_stay: bool,
    pub took: Duration,
    /// `took` minus the time in which the machine had no CPU for the function or the test.
    pub waited: Duration,
    pub request_id: String,
    /// The records' wide events, in the order in which they were written.
    pub logs: Vec<Value>,
}

impl Batch {
    /// Each record's outcome and reason, in the order of `logs`.
    pub fn verdicts(&self) -> Vec<String> {
        self.logs.iter().map(verdict).collect()
    }

    pub fn keeps(&self, id: &str) -> bool {
        self.all_stay || self.stay.iter().any(|stays| stays == id)
    }
}

/// Returns the outcome and the reason in a held record's line. Also checks everything that the
/// contract requires of the line.
#[track_caller]
fn verdict(log: &Value) -> String {
    wide_event::check(log);
    assert_eq!(log["source"], "held_queue", "{log}");
    let text = |name: &str| log[name].as_str().unwrap_or_default().to_owned();
    assert!(["accepted", "refused", "held"].contains(&text("outcome").as_str()), "{log}");
    format!("{} {}", text("outcome"), text("reason"))
}

/// A batch that is about to be delivered.
pub struct Deliver<'f> {
    function: &'f Function,
    records: Vec<Record>,
    /// How many wide events to wait for.
    lines: usize,
    setting: Setting,
}

impl<'f> Deliver<'f> {
    pub fn new(function: &'f Function, records: Vec<Record>) -> Self {
        let setting = Setting { within: Duration::from_secs(30), ..Setting::default() };
        Self { function, lines: records.len(), records, setting }
    }

    /// Sets Lambda's timeout. The default is thirty seconds.
    pub fn within(mut self, within: Duration) -> Self {
        self.setting.within = within;
        self
    }

    /// Sets the invocation's X-Ray trace.
    pub fn traced(mut self, trace: &str) -> Self {
        self.setting.trace = Some(trace.into());
        self
    }

    /// Waits for this many wide events. The default is one for each record.
    pub fn lines(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    async fn batch(self) -> Batch {
        let records: Vec<_> = self.records.into_iter().map(|record| record.0).collect();
        let event = json!({"Records": records});
        let ended = run(self.function, event, &self.setting).await;
        let Ended { request_id, state, took, waited } = ended;
        let stdout = &self.function.stdout;
        let written = stdout.until("each record's wide event", |lines| {
            let lines = lines.iter().filter_map(|line| wide_event::of(line, &request_id));
            let logs: Vec<_> = lines.collect();
            (logs.len() >= self.lines).then_some(logs)
        });
        let mut logs = written.await;
        logs.sort_by_key(verdict);
        let payload = state.response.map(|response| response.payload);
        let failures = payload.as_ref().map(failures);
        let mut stay: Vec<String> =
            failures.iter().flatten().flatten().map(|id| (*id).to_owned()).collect();
        stay.sort();
        let distinct: BTreeSet<_> = stay.iter().collect();
        assert_eq!(distinct.len(), stay.len(), "a message is returned twice: {stay:?}");
        let all_stay = failures.is_none_or(|failures| failures.contains(&None));
        Batch { stay, all_stay, took, waited, request_id, logs }
    }
}

/// The message IDs of a batch's failures. `None` stands for an empty or missing ID, which Lambda
/// treats as a failure of the whole batch.
fn failures(payload: &Value) -> Vec<Option<&str>> {
    let failures = payload["batchItemFailures"].as_array();
    let failures = failures.unwrap_or_else(|| panic!("not an answer to a batch: {payload}"));
    let ids = failures.iter().map(|failure| failure["itemIdentifier"].as_str());
    ids.map(|id| id.filter(|id| !id.is_empty())).collect()
}

impl<'f> IntoFuture for Deliver<'f> {
    type Output = Batch;
    type IntoFuture = Pin<Box<dyn Future<Output = Batch> + 'f>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.batch())
    }
}
