//! Sends records, and continues after a failure.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use jw_webhook_forwarder::attempt::Fault;
use jw_webhook_forwarder::queue::{EventQueue, MessageId};
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::undelivered::join::Undelivered;
use tokio::time::{Duration, Instant};

use super::recovery::Event;
use crate::progress;

/// How long the attempts for one event may take, as in the function.
const TIME_FOR_EACH: Duration = Duration::from_secs(20);

/// Sends each record in turn, and writes the result into the record's event.
pub async fn send(sdk: &SdkConfig, records: &[(i64, Undelivered)], events: &mut [Event]) {
    // the SDK must not retry, because the library's module `attempt` retries, as in the function
    let config = Builder::from(sdk).retry_config(RetryConfig::disabled()).build();
    let mut sending = Sending {
        client: Client::from_conf(config),
        unreachable: HashMap::new(),
        stopped_groups: HashMap::new(),
    };
    let bar = progress::count(records.len(), "sending");
    for ((_, record), event) in records.iter().zip(events) {
        match sending.send(record, &event.queue_url).await {
            Ok(message_id) => event.message_id = Some(message_id.to_string()),
            Err(error) => event.error = Some(error),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
}

/// The failures so far, which decide which events are skipped.
///
/// If SQS rejects an event with any error code, only the later events of its FIFO message group are
/// skipped. No code says for sure whether the queue or the message is at fault, and a rejection costs
/// only one round trip. If SQS is unreachable, all later events of the queue are skipped,
/// because the attempts for one event take [`TIME_FOR_EACH`].
struct Sending {
    client: Client,
    /// By queue URL, the event for which SQS was unreachable.
    unreachable: HashMap<String, String>,
    /// By queue URL and message group of a FIFO queue, the group's first event that failed.
    stopped_groups: HashMap<(String, Option<String>), String>,
}

impl Sending {
    async fn send(&mut self, record: &Undelivered, queue_url: &str) -> Result<MessageId, String> {
        let Some(url) = QueueUrl::parse(queue_url) else {
            return Err(
                "the record's queue_url is not the URL of an SQS queue; give the queue with --queue-url".into()
            );
        };
        if let Some(first) = self.unreachable.get(queue_url) {
            return Err(format!("not tried, because SQS was unreachable for event {first}"));
        }
        let message = record.message();
        let group = url.is_fifo().then(|| (queue_url.to_owned(), message.group_id));
        if let Some(first) = group.as_ref().and_then(|group| self.stopped_groups.get(group)) {
            return Err(format!(
                "not tried, because event {first} of the same message group failed, and a group keeps \
                 its order"
            ));
        }
        let queue = EventQueue::new(self.client.clone(), url);
        let sent = queue.resend(record, Instant::now() + TIME_FOR_EACH).await;
        sent.map_err(|fault| {
            let event_id = message.event_id.to_owned();
            if let Fault::Unreachable(_) = fault {
                self.unreachable.insert(queue_url.to_owned(), event_id);
            } else if let Some(group) = group {
                self.stopped_groups.insert(group, event_id);
            }
            format!("{fault}; {}", queue.advice(record, &fault))
        })
    }
}
