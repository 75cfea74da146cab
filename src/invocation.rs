//! Reads the event that invokes the function: an HTTP request from a gateway, or a batch of held tokens.
//!
//! Only this module knows the format of Lambda's events. It reads only the members that the function needs. The
//! types of `lambda_http` read all members, so one odd member (a query string, a `timeEpoch`, 24,577 headers)
//! makes them fail or panic.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::forwarder::{Budget, Forwarder, unless_panicked};
use crate::held::{self, HeldRecord};
use crate::http::{self, Request};
use crate::json::members::{Members, Text};
use crate::process::Process;
use crate::telemetry::{Source, WideEvent};
use crate::trace::TraceHeader;

/// Lambda's longest timeout, 15 minutes.
const LONGEST_INVOCATION: Duration = Duration::from_secs(900);

/// The function's response to Lambda.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The response to an HTTP request.
    Http(Box<ApiGatewayV2httpResponse>),
    /// The response to a batch from an event source mapping with `ReportBatchItemFailures`.
    Batch(BatchResponse),
}

/// The records of a batch that stay in their queue (Lambda Developer Guide, "Handling errors for an
/// SQS event source in Lambda").
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// An event that is neither an HTTP request nor a batch. The function gets such an event only if a trigger is
/// configured wrongly.
#[derive(thiserror::Error)]
#[error(
    "cannot read the event: it is neither an HTTP API event (payload format 2.0) nor an SQS batch. Invoke \
     the function through an HTTP API, its Function URL, or the event source mapping of its held queue"
)]
pub struct UnknownEvent;

/// Writes the same text as `Display`, because `lambda_runtime` logs the error with `Debug`.
impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<UnknownEvent> for Diagnostic {
    fn from(error: UnknownEvent) -> Self {
        Self { error_type: "UnknownEvent".to_owned(), error_message: error.to_string() }
    }
}

/// The work of one invocation.
enum Job<'e> {
    Request(Request<'e>),
    Batch(Vec<HeldRecord<'e>>),
}

/// Processes one invocation.
pub async fn handle(
    forwarder: &Forwarder,
    invocation: LambdaEvent<Box<RawValue>>,
) -> Result<Answer, UnknownEvent> {
    let (event, context) = invocation.into_parts();
    let process = forwarder.process();
    let budget = Budget::new(time_left(context.deadline(), (process.wall_clock)()));
    let trace = context.xray_trace_id.as_deref().and_then(TraceHeader::parse);
    match job(event.get()).ok_or(UnknownEvent)? {
        Job::Request(request) => {
            let response = respond(forwarder, &request, &context, budget, trace).await;
            Ok(Answer::Http(response.into()))
        }
        Job::Batch(records) => {
            let wide_event = || wide_event(&context, Source::HeldQueue, process);
            let failures = held::release(forwarder, &records, budget, trace, wide_event).await;
            let failures = failures.into_iter().map(|id| BatchItemFailure { item_identifier: id });
            Ok(Answer::Batch(BatchResponse { batch_item_failures: failures.collect() }))
        }
    }
}

async fn respond(
    forwarder: &Forwarder,
    request: &Request<'_>,
    context: &Context,
    budget: Budget,
    trace: Option<TraceHeader>,
) -> ApiGatewayV2httpResponse {
    let mut wide_event = wide_event(context, Source::Webhook, forwarder.process());
    let accepted = async {
        let delivery = request.delivery()?;
        forwarder.accept(delivery, budget, trace.as_ref(), &mut wide_event).await
    };
    let result = unless_panicked(accepted).await;
    let response = http::response(&result);
    wide_event.end(&result, response.status_code);
    response
}

fn wide_event(context: &Context, source: Source, process: Process) -> WideEvent {
    WideEvent::begin(&context.env_config.function_name, &context.request_id, source, process)
}

/// The time until Lambda stops the invocation. Ignores a deadline that is more than 15 minutes in the past,
/// because `cargo lambda watch` sends a deadline in 1970.
fn time_left(deadline: SystemTime, now: SystemTime) -> Duration {
    match deadline.duration_since(now) {
        Ok(left) => left,
        Err(over) if over.duration() > LONGEST_INVOCATION => Duration::MAX,
        Err(_) => Duration::ZERO,
    }
}

fn job(event: &str) -> Option<Job<'_>> {
    let event = Members::of(event.as_bytes()).ok()?;
    let context: Option<Members<'_>> = event.read("requestContext");
    match context.and_then(|context| context.read::<Members<'_>>("http")) {
        Some(http) => Some(Job::Request(request(&event, &http))),
        None => batch(&event).map(Job::Batch),
    }
}

fn request<'e>(event: &Members<'e>, http: &Members<'e>) -> Request<'e> {
    let headers: Members<'e> = event.read("headers").unwrap_or_default();
    Request {
        method: http.get("method").and_then(text).unwrap_or_default(),
        authorization: header(&headers, "authorization"),
        content_encoding: header(&headers, "content-encoding"),
        body: body(event),
    }
}

fn body<'e>(event: &Members<'e>) -> Cow<'e, [u8]> {
    let Some(Text(text)) = event.read("body") else { return Cow::default() };
    if event.read("isBase64Encoded") == Some(true)
        && let Ok(bytes) = BASE64_STANDARD.decode(text.as_bytes())
    {
        return bytes.into();
    }
    match text {
        Cow::Borrowed(text) => text.as_bytes().into(),
        Cow::Owned(text) => text.into_bytes().into(),
    }
}

/// The values of all headers with this name, in upper or lower case. A value that is not a string becomes
/// empty.
fn header<'e>(headers: &Members<'e>, name: &str) -> Vec<Cow<'e, str>> {
    let named = headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
    named
        .flat_map(|(_, value)| match serde_json::from_str::<Vec<Text<'e>>>(value.get()) {
            Ok(values) => values.into_iter().map(|Text(value)| value).collect(),
            Err(_) => vec![text(value).unwrap_or_default()],
        })
        .collect()
}

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str(value.get()).ok().map(|Text(text)| text)
}

fn batch<'e>(event: &Members<'e>) -> Option<Vec<HeldRecord<'e>>> {
    let records: Vec<Members<'e>> = event.read("Records")?;
    records.iter().map(held_record).collect()
}

fn held_record<'e>(record: &Members<'e>) -> Option<HeldRecord<'e>> {
    let text = |name| record.read::<Text<'e>>(name).map(|Text(text)| text);
    let attributes: Option<Members<'e>> = record.read("attributes");
    let sent: Option<Text<'e>> = attributes.and_then(|all| all.read("SentTimestamp"));
    let millis: NonZeroU64 = sent.and_then(|Text(millis)| millis.parse().ok())?;
    Some(HeldRecord {
        message_id: text("messageId")?,
        queue_arn: text("eventSourceARN").unwrap_or_default(),
        token: text("body").unwrap_or_default(),
        held_at: SystemTime::UNIX_EPOCH + Duration::from_millis(millis.get()),
    })
}

#[cfg(test)]
mod tests;
