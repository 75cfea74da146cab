//! The metrics of a wide event, in CloudWatch's embedded metric format (CloudWatch User Guide,
//! "Embedded metric format specification").
//!
//! The crate `metrique` writes this format too, but would add 67 crates to the function.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::queue::Receipt;
use crate::rejection::Rejection;

/// The metrics' namespace in CloudWatch.
const NAMESPACE: &str = "JwWebhookForwarder";

/// The outcome of a request or of a held token. Each outcome has its own metric.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    Accepted,
    Refused,
    Held,
    Failed,
    /// Failed, because the token could not be held.
    Lost,
}

impl Outcome {
    pub(super) fn of(result: &Result<Receipt, Rejection>) -> Self {
        match result {
            Ok(_) => Outcome::Accepted,
            Err(Rejection::Refused(_)) => Outcome::Refused,
            Err(Rejection::Held(_)) => Outcome::Held,
            Err(Rejection::Lost(_)) => Outcome::Lost,
            Err(Rejection::Failed(_)) => Outcome::Failed,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Held => "held",
            Outcome::Failed | Outcome::Lost => "failed",
        }
    }

    fn metric(self) -> &'static str {
        match self {
            Outcome::Accepted => "Accepted",
            Outcome::Refused => "Refused",
            Outcome::Held => "Held",
            Outcome::Failed | Outcome::Lost => "Failed",
        }
    }
}

/// The `_aws` member, and the members that CloudWatch reads the metrics' values from.
#[derive(Serialize)]
pub(super) struct Metrics<'e> {
    #[serde(rename = "_aws")]
    aws: Metadata,
    #[serde(rename = "FunctionName")]
    function_name: &'e str,
    /// 0 if the request was not accepted, so that an alarm can distinguish refusals from silence.
    #[serde(rename = "Accepted")]
    accepted: u8,
    #[serde(rename = "Refused", skip_serializing_if = "Option::is_none")]
    refused: Option<u8>,
    #[serde(rename = "Held", skip_serializing_if = "Option::is_none")]
    held: Option<u8>,
    #[serde(rename = "Failed", skip_serializing_if = "Option::is_none")]
    failed: Option<u8>,
    #[serde(rename = "Lost", skip_serializing_if = "Option::is_none")]
    lost: Option<u8>,
    #[serde(rename = "Duration")]
    duration: f64,
    #[serde(rename = "EventAge", skip_serializing_if = "Option::is_none")]
    event_age: Option<i64>,
}

impl<'e> Metrics<'e> {
    pub(super) fn new(
        function_name: &'e str,
        outcome: Outcome,
        duration_ms: f64,
        event_age_ms: Option<i64>,
        now: SystemTime,
    ) -> Self {
        let metric = outcome.metric();
        let count = |name| (name == metric).then_some(1);
        Self {
            aws: Metadata::new(outcome, event_age_ms.is_some(), now),
            function_name,
            accepted: count("Accepted").unwrap_or(0),
            refused: count("Refused"),
            held: count("Held"),
            failed: count("Failed"),
            lost: (outcome == Outcome::Lost).then_some(1),
            duration: duration_ms,
            event_age: event_age_ms,
        }
    }
}

/// The `_aws` member. It says which members of the line are metrics, and which members are their dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: u64,
    cloud_watch_metrics: [Directive; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl Metadata {
    fn new(outcome: Outcome, has_event_age: bool, now: SystemTime) -> Self {
        let counts = [
            Some("Accepted"),
            (outcome != Outcome::Accepted).then_some(outcome.metric()),
            (outcome == Outcome::Lost).then_some("Lost"),
        ];
        let times = [Some("Duration"), has_event_age.then_some("EventAge")];
        let count = |name| Metric { name, unit: "Count" };
        let time = |name| Metric { name, unit: "Milliseconds" };
        let all = counts.into_iter().flatten().map(count);
        let all = all.chain(times.into_iter().flatten().map(time));
        let directive = |dimensions, metrics| Directive {
            namespace: NAMESPACE,
            dimensions: [dimensions],
            metrics,
        };
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            timestamp: since_epoch.as_millis() as u64,
            cloud_watch_metrics: [
                directive(&["FunctionName"], all.collect()),
                directive(&["FunctionName", "reason"], vec![count(outcome.metric())]),
            ],
        }
    }
}
