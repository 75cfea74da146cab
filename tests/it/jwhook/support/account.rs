//! An AWS account in ministack with a stack that has our template's outputs. A proxy in front of
//! ministack can make calls fail.

use super::deployment::deploy;
use super::ministack::Ministack;
use super::server::{Meet, Server, Service, Until, answer};
use aws_sdk_cloudformation as cloudformation;
use aws_sdk_cloudwatchlogs as logs;
use aws_sdk_secretsmanager as secretsmanager;
use aws_sdk_sqs as sqs;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

pub const REGION: &str = "eu-west-1";
pub const SECRET_ACCESS_KEY: &str = "Canary/AWS/secret/access/key/0123456789";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueueType {
    Standard,
    Fifo,
}

/// An AWS account with a stack.
pub struct Account {
    proxy: Server,
    pub stack_name: String,
    pub queue_url: String,
    pub dead_letter_queue_url: String,
    pub held_queue_url: String,
    pub held_dead_letter_queue_url: String,
    pub secret_arn: String,
    pub log_group: String,
    pub sqs: sqs::Client,
    pub secrets: secretsmanager::Client,
    pub logs: logs::Client,
    secrets_ever: Mutex<Vec<String>>,
    ministack: Ministack,
}

impl Account {
    /// An account with a stack and this value of the secret.
    pub async fn start(secret: &str) -> Self {
        Self::with(secret, QueueType::Standard, &[("SecretTtlSeconds", "300")]).await
    }

    /// An account with this value of the secret and a stack with this kind of queue and these
    /// parameters.
    pub async fn with(secret: &str, queue: QueueType, parameters: &[(&str, &str)]) -> Self {
        let ministack = Ministack::start().await;
        let _ = rustls::crypto::ring::default_provider().install_default(); // fails if called before
        let proxy = Server::start(Arc::new(Proxy {
            to: ministack.url.clone(),
            http: reqwest::Client::new(),
        }));
        let proxy = proxy.await;
        let direct = sdk(&ministack).await;
        let outputs =
            deploy(&cloudformation::Client::new(&direct), secret, queue, parameters).await;
        Self {
            proxy,
            stack_name: "jw".into(),
            queue_url: outputs["QueueUrl"].clone(),
            dead_letter_queue_url: outputs["DeadLetterQueueUrl"].clone(),
            held_queue_url: outputs["HeldQueueUrl"].clone(),
            held_dead_letter_queue_url: outputs["HeldDeadLetterQueueUrl"].clone(),
            secret_arn: outputs["SecretArn"].clone(),
            log_group: outputs["LogGroup"].clone(),
            sqs: sqs::Client::new(&direct),
            secrets: secretsmanager::Client::new(&direct),
            logs: logs::Client::new(&direct),
            secrets_ever: Mutex::new(vec![secret.to_owned()]),
            ministack,
        }
    }

    pub fn id(&self) -> &str {
        &self.ministack.account_id
    }

    /// The environment variables that a shell or a function needs to use this account.
    pub fn environment(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", self.proxy.url.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", self.id()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Sets what happens to the next call of this name, for instance `PutSecretValue`.
    pub fn next(&self, call: &str, meet: Meet) {
        self.proxy.next(call, meet);
    }

    /// Sets what happens to the n-th call of this name from now on.
    pub fn nth(&self, call: &str, n: usize, meet: Meet) {
        self.proxy.nth(call, n, meet);
    }

    /// Sets what happens to every call of this name, except the calls that `next` and `nth` set.
    pub fn always(&self, call: &str, meet: Meet) {
        self.proxy.always(call, meet);
    }

    /// The bodies of the calls of this name that have begun, in order.
    pub fn bodies(&self, call: &str) -> Vec<Bytes> {
        let calls = self.proxy.calls();
        let bodies = calls.begun.iter().zip(calls.bodies).filter(|(name, _)| *name == call);
        bodies.map(|(_, body)| body).collect()
    }

    /// The bodies of the calls of this name that have begun, in order, as JSON.
    pub fn asked(&self, call: &str) -> Vec<Value> {
        let bodies = self.bodies(call);
        bodies.iter().map(|body| serde_json::from_slice(body).expect("JSON")).collect()
    }

    /// How many calls of this name have begun, or how many were performed, as `until` says.
    pub fn count(&self, until: Until, call: &str) -> usize {
        self.proxy.count(until, call)
    }

    /// Waits until n calls of this name, counted from the start, have begun or were performed.
    pub async fn until(&self, until: Until, call: &str, n: usize) {
        self.proxy.until(until, call, n).await;
    }

    /// The names of the calls that were performed.
    pub fn calls(&self) -> Vec<String> {
        self.proxy.calls().performed
    }

    pub async fn secret(&self) -> String {
        let answer = self.secrets.get_secret_value().secret_id(&self.secret_arn).send().await;
        answer.unwrap().secret_string.unwrap()
    }

    /// Puts a message into the held queue or its dead-letter queue.
    pub async fn hold(&self, queue_url: &str, token: &str) {
        let send = self.sqs.send_message().queue_url(queue_url).message_body(token);
        send.send().await.unwrap();
    }

    /// The webhook IDs in the key ring, in order.
    pub async fn ring_ids(&self) -> Vec<String> {
        let ring: Value = serde_json::from_str(&self.secret().await).expect("a ring");
        let mut ids: Vec<_> = ring.as_object().expect("a ring").keys().cloned().collect();
        ids.sort();
        ids
    }

    /// Stores another value of the secret, as a person would.
    pub async fn set_secret(&self, value: &str) {
        self.secrets_ever.lock().unwrap().push(value.to_owned());
        let put = self.secrets.put_secret_value().secret_id(&self.secret_arn).secret_string(value);
        put.send().await.unwrap();
    }

    pub fn secrets_ever(&self) -> Vec<String> {
        self.secrets_ever.lock().unwrap().clone()
    }

    /// Receives and deletes all messages in the queue.
    pub async fn messages(&self) -> Vec<sqs::types::Message> {
        let mut messages = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.queue_url);
            let receive = receive.max_number_of_messages(10).message_attribute_names("All");
            let some = receive.send().await.unwrap().messages.unwrap_or_default();
            if some.is_empty() {
                return messages;
            }
            for message in &some {
                let handle = message.receipt_handle.clone().unwrap();
                let delete = self.sqs.delete_message().queue_url(&self.queue_url);
                delete.receipt_handle(handle).send().await.unwrap();
            }
            messages.extend(some);
        }
    }

    /// Writes these lines to the function's log, a millisecond apart. The last line's time is now.
    pub async fn log(&self, lines: &[&str]) {
        self.log_to("2026/11/23/[1]0123456789abcdef", lines).await;
    }

    /// Writes these lines to this stream of the function's log. Each instance of the function has
    /// its own stream.
    pub async fn log_to(&self, stream: &str, lines: &[&str]) {
        let create = self.logs.create_log_stream().log_group_name(&self.log_group);
        let _ = create.log_stream_name(stream).send().await; // fails if the stream exists
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let first = now - lines.len() as i64;
        let events = lines.iter().zip(first..).map(|(line, at)| {
            logs::types::InputLogEvent::builder().message(*line).timestamp(at).build().unwrap()
        });
        let put = self.logs.put_log_events().log_group_name(&self.log_group);
        put.log_stream_name(stream).set_log_events(Some(events.collect())).send().await.unwrap();
    }
}

async fn sdk(ministack: &Ministack) -> aws_config::SdkConfig {
    let access_key = ministack.account_id.as_str();
    let keys = sqs::config::Credentials::new(access_key, SECRET_ACCESS_KEY, None, None, "test");
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(jw_webhook_forwarder::https::client())
        .region(aws_config::Region::new(REGION))
        .endpoint_url(&ministack.url)
        .credentials_provider(keys)
        .load()
        .await
}

/// Forwards calls to ministack.
struct Proxy {
    to: String,
    http: reqwest::Client,
}

impl Service for Proxy {
    /// The operation's name. Each of AWS's protocols has the name in another place.
    fn name(&self, request: &Parts, body: &Bytes) -> String {
        let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let body = std::str::from_utf8(body).unwrap_or_default();
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let operation = target.and_then(|target| target.rsplit_once('.')).map(|(_, name)| name);
        let in_path = request.uri.path().rsplit_once("/operation/").map(|(_, name)| name);
        operation.or(in_path).or(action).unwrap_or("unnamed").to_owned()
    }

    async fn perform(&self, request: Parts, body: Bytes) -> Response<Full<Bytes>> {
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{path}", self.to);
        let call = self.http.request(request.method, url).headers(request.headers).body(body);
        let Ok(response) = call.send().await else { return answer(502, "ministack is down") };
        let mut forwarded = Response::new(Full::default());
        *forwarded.status_mut() = response.status();
        *forwarded.headers_mut() = response.headers().clone();
        forwarded.headers_mut().remove("transfer-encoding"); // the body's length is known now
        *forwarded.body_mut() = Full::new(response.bytes().await.unwrap_or_default());
        forwarded
    }
}
