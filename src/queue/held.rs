//! The held queue, where tokens wait for a usable secret.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use tokio::time::Instant;

use super::advice::{FUNCTION, advice};
use super::{MessageId, confirmed};
use crate::attempt::{self, Fault};
use crate::queue_url::QueueUrl;
use crate::token::HeldToken;

/// A standard queue of tokens, and the client that sends to it.
#[derive(Debug)]
pub struct HeldQueue {
    client: Client,
    url: QueueUrl,
}

impl HeldQueue {
    /// The queue at this URL.
    pub fn new(client: Client, url: QueueUrl) -> Self {
        Self { client, url }
    }

    /// Whether `arn` is this queue's ARN.
    pub fn is_at(&self, arn: &str) -> bool {
        self.url.is_queue(arn)
    }

    /// Sends a token. Retries until SQS confirms or rejects the token, or `deadline` is reached.
    pub async fn hold(&self, token: &HeldToken<'_>, deadline: Instant) -> Result<MessageId, Fault> {
        let sent =
            attempt::until("sqs:SendMessage", deadline, || self.send_once(token.as_str())).await;
        sent.inspect_err(|fault| {
            let advice = advice(&self.client, &self.url, &FUNCTION, None, fault);
            tracing::error!(%fault, held_queue_url = self.url.as_str(), "cannot hold an event that no secret could \
                verify: the event is lost unless JW sends it again; {advice}");
        })
    }

    async fn send_once(&self, token: &str) -> Result<MessageId, Fault> {
        let request = self.client.send_message().queue_url(self.url.as_str()).message_body(token);
        confirmed(token, &BTreeMap::new(), request.send().await?)
    }
}
