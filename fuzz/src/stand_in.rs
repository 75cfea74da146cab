//! The forwarder with an AWS in the same process, which always answers, and keeps what was sent.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::http::{TextResponse, handle};
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::secrets::SecretStore;
use lambda_http::{Body, Request, Response};
use md5::{Digest, Md5};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());

static FUNCTION: LazyLock<(Runtime, Forwarder)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let secret = mock!(aws_sdk_secretsmanager::Client::get_secret_value)
        .then_output(|| GetSecretValueOutput::builder().secret_string(crate::SECRET).build());
    let send = mock!(aws_sdk_sqs::Client::send_message).then_compute_output(|input| {
        let body = input.message_body().expect("a message has a body");
        SENT.lock().expect("no panic").push(body.to_owned());
        SendMessageOutput::builder()
            .message_id("a message")
            .md5_of_message_body(hex::encode(Md5::digest(body)))
            .build()
    });
    let secrets = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &[&secret]);
    let queue = mock_client!(aws_sdk_sqs, RuleMode::MatchAny, &[&send]);
    let day = Duration::from_secs(86_400);
    let secrets = SecretStore::new(secrets, "secret".to_owned(), day, day);
    let url = QueueUrl::parse("https://sqs.example/1/events.fifo").expect("a URL");
    let queue = EventQueue::new(queue, url);
    (runtime, Forwarder::new(secrets, queue, None))
});

/// The answer to a request, and the messages that came of it.
pub fn answer(request: Request) -> (Response<Body>, Vec<String>) {
    let (runtime, forwarder) = &*FUNCTION;
    let Ok(TextResponse(response)) = runtime.block_on(handle(forwarder, request));
    (response, std::mem::take(&mut *SENT.lock().expect("no panic")))
}
