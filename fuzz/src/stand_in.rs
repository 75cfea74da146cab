//! The forwarder with an emulated AWS in the same process. SQS always succeeds and stores the
//! messages. Secrets Manager returns the secret or denies access to it.

use aws_sdk_secretsmanager::error::ErrorMetadata;
use aws_sdk_secretsmanager::operation::get_secret_value::{
    GetSecretValueError, GetSecretValueOutput,
};
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::invocation::handle;
use jw_webhook_forwarder::process::Process;
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::queue::held::HeldQueue;
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::secrets::SecretStore;
use lambda_runtime::{Context, LambdaEvent};
use md5::{Digest, Md5};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const EVENTS_QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/events.fifo";
const HELD_QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/held";

/// The held queue's ARN.
pub const HELD_QUEUE_ARN: &str = "arn:aws:sqs:us-east-1:123456789012:held";

static SENT: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

static WITH_SECRET: LazyLock<Forwarder> = LazyLock::new(|| {
    forwarder(
        mock!(aws_sdk_secretsmanager::Client::get_secret_value)
            .then_output(|| GetSecretValueOutput::builder().secret_string(crate::SECRET).build()),
    )
});

static WITHOUT_SECRET: LazyLock<Forwarder> = LazyLock::new(|| {
    let denied = || ErrorMetadata::builder().code("AccessDeniedException").build();
    forwarder(
        mock!(aws_sdk_secretsmanager::Client::get_secret_value)
            .then_error(move || GetSecretValueError::generic(denied())),
    )
});

fn forwarder(secret: Rule) -> Forwarder {
    let send = mock!(aws_sdk_sqs::Client::send_message).then_compute_output(|input| {
        let queue = input.queue_url().expect("a message has a queue");
        let body = input.message_body().expect("a message has a body");
        SENT.lock().expect("no panic").push((queue.to_owned(), body.to_owned()));
        SendMessageOutput::builder()
            .message_id("a message")
            .md5_of_message_body(hex::encode(Md5::digest(body)))
            .build()
    });
    let secrets = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &[&secret]);
    let sqs = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, &[&send]);
    let day = Duration::from_secs(86_400);
    let url = |url| QueueUrl::parse(url).expect("a URL");
    Forwarder::new(
        SecretStore::new(secrets, "secret".to_owned(), day, day, Process::OWN.wall_clock),
        EventQueue::new(sqs.clone(), url(EVENTS_QUEUE)),
        Some(HeldQueue::new(sqs, url(HELD_QUEUE))),
        None,
        Process::OWN,
    )
}

/// The result of an invocation.
pub struct Outcome {
    /// The answer, as Lambda reads it. `None` if the function rejects the event as unknown.
    pub answer: Option<Value>,
    /// The messages in the event queue.
    pub queued: Vec<String>,
    /// The messages in the held queue.
    pub held: Vec<String>,
}

impl Outcome {
    /// The HTTP status.
    pub fn status(&self) -> u64 {
        let answer = self.answer.as_ref().expect("a request is answered");
        answer["statusCode"].as_u64().expect("a status")
    }
}

/// Invokes a function that can fetch its secret.
pub fn invoke(event: &RawValue, trace: Option<String>) -> Outcome {
    outcome(&WITH_SECRET, event, trace)
}

/// Invokes a function to which Secrets Manager denies the secret.
pub fn invoke_without_secret(event: &RawValue) -> Outcome {
    outcome(&WITHOUT_SECRET, event, None)
}

fn outcome(forwarder: &Forwarder, event: &RawValue, trace: Option<String>) -> Outcome {
    let mut context = Context::default();
    context.xray_trace_id = trace;
    let answer = RUNTIME.block_on(handle(forwarder, LambdaEvent::new(event.to_owned(), context)));
    let answer = answer.ok().map(|answer| serde_json::to_value(answer).expect("an answer is JSON"));
    let mut outcome = Outcome { answer, queued: Vec::new(), held: Vec::new() };
    for (queue, message) in SENT.lock().expect("no panic").drain(..) {
        match queue.as_str() {
            EVENTS_QUEUE => outcome.queued.push(message),
            HELD_QUEUE => outcome.held.push(message),
            _ => panic!("sent to {queue}"),
        }
    }
    outcome
}
