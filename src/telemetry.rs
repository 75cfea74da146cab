//! What the operator sees: one wide event for each request, which is its metrics too, and the
//! events that could not be delivered.
//!
//! Both are lines of JSON on stdout, written whatever the log level is. Diagnostics go to stderr.
//! The metrics are in CloudWatch's embedded metric format. (`metrique`, which writes it, would add 67
//! crates to the function for these few members.)

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::OWN_TARGET;
use crate::event::VerifiedEvent;
use crate::message::Message;
use crate::queue::Receipt;
use crate::rejection::Rejection;
use crate::secrets::Secret;

/// The metrics' namespace in CloudWatch.
pub const NAMESPACE: &str = "JwWebhookForwarder";

/// Sends diagnostics to stderr, as JSON lines. Whatever `levels` asks for, other crates' are cut off
/// below INFO: at DEBUG and TRACE they print requests, with the secrets in them.
pub fn init_diagnostics(levels: Targets) {
    let safe = Targets::new().with_target(OWN_TARGET, LevelFilter::TRACE).with_default(Level::INFO);
    let lines = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(levels).with_filter(safe)).init();
}

/// What is learned of a request on its way, written as one line at its end.
#[derive(Debug)]
pub struct WideEvent {
    began: Instant,
    function_name: String,
    request_id: String,
    secret_age: Option<Duration>,
    event: Option<EventFields>,
}

/// What is known of a verified event. Nothing unverified is ever logged.
#[derive(Debug, Serialize)]
struct EventFields {
    event_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_age_ms: Option<i64>,
}

impl WideEvent {
    /// A request that begins now: an invocation of this function with this id.
    pub fn begin(function_name: &str, request_id: &str) -> Self {
        Self {
            began: Instant::now(),
            function_name: function_name.to_owned(),
            request_id: request_id.to_owned(),
            secret_age: None,
            event: None,
        }
    }

    /// The secret that the request is verified with.
    pub fn secret(&mut self, secret: &Secret) {
        self.secret_age = Some(secret.age());
    }

    /// The event, once it is verified.
    pub fn verified(&mut self, event: &VerifiedEvent, now: OffsetDateTime) {
        let text = |claim| event.attribute(claim).map(str::to_owned);
        self.event = Some(EventFields {
            event_id: event.event_id().to_owned(),
            event: text("event"),
            webhook_id: text("webhook_id"),
            site_id: text("site_id"),
            event_age_ms: event.age(now).map(|age| age.whole_milliseconds() as i64),
        });
    }

    /// Writes the line.
    pub fn end(self, result: &Result<Receipt, Rejection>, status: u16) {
        write_line(&self.line(result, status));
    }

    fn line(&self, result: &Result<Receipt, Rejection>, status: u16) -> Line<'_> {
        let (outcome, metric) = match result {
            Ok(_) => ("accepted", "Accepted"),
            Err(Rejection::Refused(_)) => ("refused", "Refused"),
            Err(Rejection::Failed(_)) => ("failed", "Failed"),
        };
        let reason = result.as_ref().err().map(|rejection| rejection.reason());
        let duration_ms = (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let event_age_ms = self.event.as_ref().and_then(|event| event.event_age_ms);
        let count = |name| (name == metric).then_some(1);
        Line {
            aws: Metadata::new(metric, event_age_ms.is_some()),
            function_name: &self.function_name,
            reason_dimension: reason.unwrap_or("none"),
            accepted: count("Accepted"),
            refused: count("Refused"),
            failed: count("Failed"),
            duration: duration_ms,
            event_age: event_age_ms,
            outcome,
            reason,
            status,
            request_id: &self.request_id,
            duration_ms,
            secret_age_s: self.secret_age.map(|age| age.as_secs()),
            event: self.event.as_ref(),
            message_id: result.as_ref().ok().map(|receipt| receipt.message_id.to_string()),
        }
    }
}

/// Writes a verified event that isn't in the queue: all that sending it again takes.
pub fn undelivered(message: &Message<'_>, queue_url: &str) {
    #[derive(Serialize)]
    struct Record<'m> {
        queue_url: &'m str,
        #[serde(flatten)]
        message: &'m Message<'m>,
    }
    #[derive(Serialize)]
    struct Undelivered<'m> {
        undelivered: Record<'m>,
    }
    write_line(&Undelivered { undelivered: Record { queue_url, message } });
}

/// The wide event as it is written: the embedded metric format's members, then our own.
#[derive(Serialize)]
struct Line<'e> {
    #[serde(rename = "_aws")]
    aws: Metadata,
    #[serde(rename = "FunctionName")]
    function_name: &'e str,
    #[serde(rename = "Reason")]
    reason_dimension: &'e str,
    #[serde(rename = "Accepted", skip_serializing_if = "Option::is_none")]
    accepted: Option<u8>,
    #[serde(rename = "Refused", skip_serializing_if = "Option::is_none")]
    refused: Option<u8>,
    #[serde(rename = "Failed", skip_serializing_if = "Option::is_none")]
    failed: Option<u8>,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "EventAge", skip_serializing_if = "Option::is_none")]
    event_age: Option<i64>,
    outcome: &'static str,
    reason: Option<&'static str>,
    status: u16,
    request_id: &'e str,
    duration_ms: f64,
    secret_age_s: Option<u64>,
    #[serde(flatten)]
    event: Option<&'e EventFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
}

/// The `_aws` member: which members of the line are metrics, and by which they are grouped
/// (CloudWatch User Guide, "Embedded metric format specification").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: u64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 2],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl Metadata {
    fn new(count: &'static str, has_event_age: bool) -> Self {
        let mut metrics = vec![
            Metric { name: count, unit: "Count" },
            Metric { name: "Duration", unit: "Milliseconds" },
        ];
        if has_event_age {
            metrics.push(Metric { name: "EventAge", unit: "Milliseconds" });
        }
        let dimensions: [&[&str]; 2] = [&["FunctionName"], &["FunctionName", "Reason"]];
        Self {
            timestamp: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
                as u64,
            cloud_watch_metrics: [Directive { namespace: NAMESPACE, dimensions, metrics }],
        }
    }
}

/// Writes a line in one piece, so that requests served at once don't mix theirs.
fn write_line(line: &impl Serialize) {
    let Ok(mut text) = serde_json::to_vec(line) else { return };
    text.push(b'\n');
    if io::stdout().lock().write_all(&text).is_err() {
        // the other stream goes to the same log
        let _ = io::stderr().lock().write_all(&text);
    }
}
