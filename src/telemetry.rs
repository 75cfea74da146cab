//! The function's log: one wide event for each request, and a record for each event that could not be
//! delivered. CloudWatch also reads metrics from the wide events.
//!
//! Wide events and records are JSON lines on stdout, at every log level. Diagnostics go to stderr.

mod metrics;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use self::metrics::{Metrics, Outcome};
use crate::OWN_TARGET;
use crate::event::{ROUTING_CLAIMS, VerifiedEvent};
use crate::message::Message;
use crate::process::Process;
use crate::queue::Receipt;
use crate::rejection::Rejection;
use crate::secrets::Secret;
use crate::undelivered;

/// Sends diagnostics to stderr as JSON lines. Other crates log nothing below INFO, whatever `levels` says,
/// because their DEBUG and TRACE lines contain requests and secrets.
pub fn init_diagnostics(levels: Targets) {
    std::panic::set_hook(Box::new(|panic| {
        // leaves out the panic's message, because it may quote a request
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            location,
            "the forwarder panicked, which is a bug: report it with this location"
        );
    }));
    let safe = Targets::new()
        .with_target(OWN_TARGET, LevelFilter::TRACE)
        // aws_config's warnings quote responses of STS, which may contain credentials
        .with_target("aws_config", LevelFilter::ERROR)
        .with_default(Level::INFO);
    let lines = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(levels).with_filter(safe)).init();
}

/// Names the version and the commit in the log's first line, because the alias may serve an older version than
/// the last deployment.
pub fn started(commit: &str) {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), commit, "the forwarder has started");
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An HTTP request.
    Webhook,
    /// The held queue.
    HeldQueue,
}

/// What the function knows about a request or a held token. It is logged as one line when the request ends.
#[derive(Debug)]
pub struct WideEvent {
    began: Instant,
    function_name: String,
    request_id: String,
    source: Source,
    secret_age: Option<Duration>,
    event: Option<EventFields>,
    process: Process,
}

/// The logged fields of a verified event. Unverified data is never logged.
#[derive(Debug, Serialize)]
struct EventFields {
    event_id: String,
    #[serde(flatten)]
    routing: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_age_ms: Option<i64>,
}

impl WideEvent {
    /// Begins the wide event of a request or a held token. Its duration counts from now.
    pub fn begin(function_name: &str, request_id: &str, source: Source, process: Process) -> Self {
        Self {
            began: Instant::now(),
            function_name: function_name.to_owned(),
            request_id: request_id.to_owned(),
            source,
            secret_age: None,
            event: None,
            process,
        }
    }

    /// Records the age of the secret that the token is verified with.
    pub fn secret(&mut self, secret: &Secret) {
        self.secret_age = Some(secret.age());
    }

    /// Records the verified event, and its age at the time when it came.
    pub fn verified(&mut self, event: &VerifiedEvent, came: OffsetDateTime) {
        let claim = |name| Some((name, event.attribute(name)?.to_owned()));
        self.event = Some(EventFields {
            event_id: event.event_id().to_owned(),
            routing: ROUTING_CLAIMS.into_iter().filter_map(claim).collect(),
            event_age_ms: event.age(came).map(|age| age.whole_milliseconds() as i64),
        });
    }

    /// Writes the record of a verified event that is not in the queue.
    pub fn undelivered(&self, message: &Message<'_>, queue_url: &str) {
        write_lines(self.process, undelivered::parts(message, queue_url, &self.request_id));
    }

    /// Writes the line of a request.
    pub fn end(self, result: &Result<Receipt, Rejection>, status: i64) {
        let outcome = Outcome::of(result);
        let line = self.line(result, outcome.name(), Some(outcome), Some(status));
        write_lines(self.process, [line]);
    }

    /// Writes the line of a held token. If the token stays in the held queue, the line has no metrics, because
    /// the token was counted when it was held.
    pub fn end_held(self, result: &Result<Receipt, Rejection>, stays: bool) {
        let outcome = if stays { Outcome::Held } else { Outcome::of(result) };
        let counted = (!stays).then_some(outcome);
        write_lines(self.process, [self.line(result, outcome.name(), counted, None)]);
    }

    fn line<'l>(
        &'l self,
        result: &Result<Receipt, Rejection>,
        outcome: &'static str,
        counted: Option<Outcome>,
        status: Option<i64>,
    ) -> Line<'l> {
        let duration_ms = (self.began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let event_age_ms = self.event.as_ref().and_then(|event| event.event_age_ms);
        let now = (self.process.wall_clock)();
        let metrics =
            counted.map(|it| Metrics::new(&self.function_name, it, duration_ms, event_age_ms, now));
        Line {
            metrics,
            outcome,
            reason: result.as_ref().err().map_or("none", |rejection| rejection.reason()),
            status,
            source: self.source,
            request_id: &self.request_id,
            duration_ms,
            secret_age_s: self.secret_age.map(|age| age.as_secs()),
            event: self.event.as_ref(),
            message_id: result.as_ref().ok().map(|receipt| receipt.message_id.to_string()),
        }
    }
}

/// The JSON line of a wide event.
#[derive(Serialize)]
struct Line<'e> {
    #[serde(flatten)]
    metrics: Option<Metrics<'e>>,
    outcome: &'static str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    source: Source,
    request_id: &'e str,
    duration_ms: f64,
    secret_age_s: Option<u64>,
    #[serde(flatten)]
    event: Option<&'e EventFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
}

fn write_lines(process: Process, lines: impl IntoIterator<Item = impl Serialize>) {
    let mut text = Vec::new();
    for line in lines {
        let Ok(()) = serde_json::to_writer(&mut text, &line) else { return };
        text.push(b'\n');
    }
    (process.log)(&text);
}
