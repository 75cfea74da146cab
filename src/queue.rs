//! The SQS queue for verified events.
//!
//! SQS confirms an event with a message id and the right MD5 digests of the body and the attributes. Without
//! this confirmation, the function sends the same message again.

mod advice;
pub mod held;

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sqs::config::{Config, ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use md5::{Digest, Md5};
use tokio::time::Instant;

use self::advice::{FUNCTION, advice};
use crate::attempt::{self, Fault};
use crate::event::VerifiedEvent;
use crate::message::{Message, QueueKind};
use crate::queue_url::QueueUrl;
use crate::rejection::Failure;
use crate::trace::TraceHeader;

/// A queue, and the client that sends to it.
#[derive(Debug)]
pub struct EventQueue {
    client: Client,
    url: QueueUrl,
    kind: QueueKind,
}

/// SQS's id of a message in the queue.
#[derive(Debug, PartialEq)]
pub struct MessageId(String);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The proof that an event is in the queue.
#[derive(Debug, PartialEq)]
pub struct Receipt {
    /// The event's id.
    pub event_id: String,
    /// SQS's id of the message.
    pub message_id: MessageId,
}

impl EventQueue {
    /// The queue at this URL.
    pub fn new(client: Client, url: QueueUrl) -> Self {
        let kind = if url.is_fifo() { QueueKind::Fifo } else { QueueKind::Standard };
        Self { client, url, kind }
    }

    /// The queue's URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The message that [`send`](Self::send) sends for an event.
    pub fn message<'e>(&self, event: &'e VerifiedEvent) -> Message<'e> {
        Message::new(event, self.kind)
    }

    /// Sends an event. Retries until SQS confirms or rejects the event, or `deadline` is reached.
    pub async fn send(
        &self,
        event: &VerifiedEvent,
        trace: Option<&TraceHeader>,
        deadline: Instant,
    ) -> Result<Receipt, Failure> {
        let message = self.message(event);
        let event_id = event.event_id();
        match attempt::until("sqs:SendMessage", deadline, || self.send_once(&message, trace)).await
        {
            Ok(message_id) => Ok(Receipt { event_id: event_id.to_owned(), message_id }),
            Err(fault @ Fault::Unreachable(_)) => {
                tracing::error!(%fault, event_id, queue_url = self.url(), "SQS did not confirm the event \
                    in time; the event is in the log as undelivered, or stays in the held queue: check \
                    the network and AWS's status page");
                Err(Failure::QueueUnavailable)
            }
            Err(fault @ Fault::Refused(_)) => {
                let group_id = message.group_id.as_deref();
                let advice = advice(&self.client, &self.url, &FUNCTION, group_id, &fault);
                tracing::error!(%fault, event_id, queue_url = self.url(), "SQS rejected the event, which \
                    is in the log as undelivered, or stays in the held queue: {advice}");
                Err(Failure::QueueRefused)
            }
        }
    }

    async fn send_once(
        &self,
        message: &Message<'_>,
        trace: Option<&TraceHeader>,
    ) -> Result<MessageId, Fault> {
        let mut request = self
            .client
            .send_message()
            .queue_url(self.url())
            .message_body(message.body.as_ref())
            .set_message_group_id(message.group_id.clone())
            .set_message_deduplication_id(message.deduplication_id.map(str::to_owned));
        for (name, value) in &message.attributes {
            let value =
                MessageAttributeValue::builder().data_type("String").string_value(*value).build();
            request = request.message_attributes(
                *name,
                value.map_err(|error| Fault::unreachable(error.to_string()))?,
            );
        }
        if let Some(trace) = trace {
            let value = MessageSystemAttributeValue::builder()
                .data_type("String")
                .string_value(trace.as_str())
                .build();
            let value = value.map_err(|error| Fault::unreachable(error.to_string()))?;
            request = request.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                value,
            );
        }
        confirmed(&message.body, &message.attributes, request.send().await?)
    }

    /// Opens the connection for the first event. Sends a plain GET, which needs no permission and leaves no
    /// trace in the account.
    pub async fn connect(&self) {
        let unsigned = Config::builder()
            .allow_no_auth()
            .auth_scheme_preference([AuthSchemeId::from("noAuth")]);
        let request =
            self.client.send_message().queue_url(self.url()).message_body("-").customize();
        // only the connection is needed, so the result is ignored
        let _ = request.config_override(unsigned).interceptor(AsPlainGet).send().await;
    }
}

/// Turns a call into a GET without headers and body.
#[derive(Debug)]
struct AsPlainGet;

impl Intercept for AsPlainGet {
    fn name(&self) -> &'static str {
        "AsPlainGet"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let names: Vec<String> =
            request.headers().iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            request.headers_mut().remove(name);
        }
        request.set_method("GET")?;
        request.take_body();
        Ok(())
    }
}

/// The message's id, if SQS's response confirms this body and these attributes.
fn confirmed(
    body: &str,
    attributes: &BTreeMap<&'static str, &str>,
    answer: SendMessageOutput,
) -> Result<MessageId, Fault> {
    let body_md5 = hex::encode(Md5::digest(body.as_bytes()));
    if answer.md5_of_message_body() != Some(body_md5.as_str()) {
        return Err(Fault::unreachable("SQS returned a wrong MD5 of the body"));
    }
    if answer.md5_of_message_attributes().is_some_and(|md5| md5 != attributes_md5(attributes)) {
        return Err(Fault::unreachable("SQS returned a wrong MD5 of the attributes"));
    }
    match answer.message_id {
        Some(id) if !id.is_empty() => Ok(MessageId(id)),
        _ => Err(Fault::unreachable("SQS returned no message id")),
    }
}

/// The MD5 digest of message attributes (SQS Developer Guide, "Calculating the MD5 message digest for message
/// attributes"). The attributes are sorted by name. Name, data type and value each follow their length in four
/// bytes. For a string value, a byte 1 precedes the length.
fn attributes_md5(attributes: &BTreeMap<&'static str, &str>) -> String {
    let mut md5 = Md5::new();
    let mut part = |prefix: &[u8], text: &str| {
        md5.update(prefix);
        md5.update((text.len() as u32).to_be_bytes());
        md5.update(text);
    };
    for (name, value) in attributes {
        part(b"", name);
        part(b"", "String");
        // the byte 1 is the transport type of a string
        part(&[1], value);
    }
    hex::encode(md5.finalize())
}

#[cfg(feature = "cli")]
mod resend;
