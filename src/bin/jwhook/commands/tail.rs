//! Shows events as they reach the queue.
//!
//! SQS cannot show a message without receiving it. `tail` receives messages with a visibility timeout of
//! 0, so that consumers do not wait for them. But SQS counts each receive, and moves a message to the
//! dead-letter queue after the queue's `maxReceiveCount` receives. So `tail` looks at a message as rarely
//! as possible ([`look`]), and always leaves a receive for the consumer.

mod event;
mod look;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use clap::Args;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::event::Event;
use self::look::{Found, Looks, Shown};
use crate::aws;
use crate::context::Context;
use crate::output::{self, Format};
use crate::verdict::Verdict;

/// How often the queue is checked for new messages, and how long a receive waits for a message.
const TICK: Duration = Duration::from_secs(1);

/// The most messages that SQS returns at once.
const MAX_MESSAGES: i32 = 10;

pub const LONG_ABOUT: &str = "\
Show events as they reach the queue

Runs until Ctrl-C, or for --for SECONDS. Events that arrive together are shown newest first. With \
--output json, prints one JSON document per line, whose `body` is the message's text.

Messages stay visible to consumers. If a consumer deletes a message first, tail cannot show it.

The cost: each look at a message counts as a receive, and SQS moves a message to the dead-letter queue \
after the queue's maxReceiveCount receives. So tail looks only when the number of waiting messages \
changes (or is 0), and fails before it would use a message's last receive, which belongs to the \
consumer. SQS shows how often a message was received only with a receive: if a message has only one \
receive left, because consumers failed on it, tail's first look uses that receive. So use tail only on a \
queue whose consumers keep up. If nobody reads the queue, tail shows some events and ends.";

#[derive(Debug, Args)]
pub struct Arguments {
    /// End after this time (default: at Ctrl-C)
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let queue = Queue {
        client: Client::new(&context.sdk),
        url: context.stack().await?.queue_url()?.to_owned(),
    };
    let end = async {
        match arguments.seconds {
            Some(seconds) => sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        problem = follow(&queue, context.format()) => problem?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = end => {}
    }
    Ok(Verdict::Good)
}

/// Shows events until a call fails.
async fn follow(queue: &Queue, format: Format) -> Result<()> {
    let max_receives = queue.max_receives().await?;
    let url = &queue.url;
    match max_receives {
        Some(max @ ..=1) => bail!(
            "queue {url} moves a message to its dead-letter queue after {max} receive, and a look would \
             use this receive: raise MaxReceiveCount, then try again"
        ),
        Some(max) => output::note(&format!(
            "showing events of {url}; consumers still receive them, but each look counts as one of the \
             {max} receives after which SQS moves a message to the dead-letter queue; Ctrl-C ends"
        )),
        None => output::note(&format!(
            "showing events of {url}; consumers still receive them; Ctrl-C ends"
        )),
    }
    if format == Format::Table {
        output::line(&Event::heading())?;
    }
    let mut looks = Looks::default();
    let mut shown = Shown::default();
    loop {
        let began = Instant::now();
        let waiting = queue.waiting().await?;
        if looks.is_worthwhile(waiting, began) {
            let mut events = queue.look().await?;
            events.sort_by_key(|event| std::cmp::Reverse(event.sent_millis));
            let mut found = Found { total: events.len(), new: 0 };
            for event in &events {
                if shown.insert(&event.message_id) {
                    found.new += 1;
                    format.result(event, || event.row())?;
                }
            }
            check_receives(&events, max_receives)?;
            looks.looked(waiting, found, began);
        }
        sleep(TICK.saturating_sub(began.elapsed())).await;
    }
}

/// Fails if another look would use a message's last receive, which the consumer needs.
fn check_receives(events: &[Event], max_receives: Option<u32>) -> Result<()> {
    let Some(max) = max_receives else { return Ok(()) };
    let Some(event) = events.iter().max_by_key(|event| event.receive_count) else { return Ok(()) };
    let left = max.saturating_sub(event.receive_count);
    if left > 1 {
        return Ok(());
    }
    let rest = match left {
        0 => "no receive is left",
        _ => "the last receive is for the consumer",
    };
    bail!(
        "message {} has been received {} times, and SQS moves it to the dead-letter queue after \
         {max} receives; {rest}, so tail ends here. Check that consumers keep up (jwhook doctor)",
        event.message_id,
        event.receive_count
    )
}

struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    async fn attribute(&self, name: QueueAttributeName) -> Result<Option<String>> {
        let call = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = call.attribute_names(name.clone()).send().await.map_err(|error| {
            aws::failed("sqs:GetQueueAttributes", &format!("queue {}", self.url), error)
        })?;
        Ok(answer.attributes.and_then(|mut attributes| attributes.remove(&name)))
    }

    /// SQS's approximate number of waiting messages.
    async fn waiting(&self) -> Result<u64> {
        let number = self.attribute(QueueAttributeName::ApproximateNumberOfMessages).await?;
        let number = number.and_then(|number| number.parse().ok());
        number.with_context(|| {
            format!("SQS did not say how many messages wait in queue {}; try again", self.url)
        })
    }

    /// After how many receives SQS moves a message to the dead-letter queue. `None` means never.
    async fn max_receives(&self) -> Result<Option<u32>> {
        let policy = self.attribute(QueueAttributeName::RedrivePolicy).await?;
        let Some(policy) = policy else { return Ok(None) };
        let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
        // some tools write the number as a string
        let count = match &policy["maxReceiveCount"] {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        };
        let count = count.with_context(|| {
            format!(
                "the redrive policy of queue {} has no valid maxReceiveCount: set maxReceiveCount \
                 to a number",
                self.url
            )
        })?;
        Ok(Some(count))
    }

    async fn look(&self) -> Result<Vec<Event>> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive
            .visibility_timeout(0)
            .max_number_of_messages(MAX_MESSAGES)
            .wait_time_seconds(TICK.as_secs() as i32)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = receive.send().await.map_err(|error| {
            aws::failed("sqs:ReceiveMessage", &format!("queue {}", self.url), error)
        })?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(Event::from).collect())
    }
}
