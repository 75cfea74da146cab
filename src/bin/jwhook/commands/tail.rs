//! Events as they reach the queue, for watching a deployment or a webhook.
//!
//! SQS has no way to look without receiving. Messages are received with a visibility time-out of 0,
//! so that no consumer waits for one; but SQS counts each look as an attempt, and dead-letters a
//! message after the queue's `maxReceiveCount` of them. So a message is looked at as seldom as can
//! be ([`look`]), and never so often that its consumer would have no attempt left.

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

/// How often the queue is asked whether there is something new, and how long a look waits for it.
const TICK: Duration = Duration::from_secs(1);

/// The most messages that SQS gives at once.
const MAX_MESSAGES: i32 = 10;

pub const LONG_ABOUT: &str = "\
Show events as they reach the queue

Until Ctrl-C, or for --for SECONDS. Newest first of what came together; with --output json a \
JSON document a line, whose `body` is the message's text.

Consumers are not kept from a message, which stays visible to them; what they take first, tail \
can't show.

What it costs: each look at a message counts as a receive, and SQS moves a message to the \
dead-letter queue after the queue's maxReceiveCount receives. So tail looks only when the number \
of waiting messages changes (or is 0), and ends with an error before a message's last receive, \
which is its consumer's. SQS tells a message's count only with a receive: if consumers have \
failed a message until one receive is left, the first look takes it. So use tail on a queue whose \
consumers keep up. Of a queue that nobody reads it shows some events and ends.";

#[derive(Debug, Args)]
pub struct Arguments {
    /// End after so long, instead of at Ctrl-C
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

/// Shows events until something goes wrong.
async fn follow(queue: &Queue, format: Format) -> Result<()> {
    let max_receives = queue.max_receives().await?;
    let url = &queue.url;
    match max_receives {
        Some(max @ ..=1) => bail!(
            "queue {url} gives a message to its dead-letter queue after {max} receive, and a look \
             would be that one: raise MaxReceiveCount, then try again"
        ),
        Some(max) => output::note(&format!(
            "events of {url}, which consumers get all the same; each look counts as one of the {max} \
             receives after which SQS moves a message to the dead-letter queue; Ctrl-C ends"
        )),
        None => {
            output::note(&format!("events of {url}, which consumers get all the same; Ctrl-C ends"))
        }
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

/// Ends it before a message's consumer has no attempt left.
fn check_receives(events: &[Event], max_receives: Option<u32>) -> Result<()> {
    let Some(max) = max_receives else { return Ok(()) };
    let Some(event) = events.iter().max_by_key(|event| event.receive_count) else { return Ok(()) };
    let left = max.saturating_sub(event.receive_count);
    if left > 1 {
        return Ok(());
    }
    let rest = match left {
        0 => "none is left",
        _ => "the one that is left is its consumer's",
    };
    bail!(
        "message {} has been received {} of the {max} times after which SQS moves it to the \
         dead-letter queue; {rest}, so this ends here. Do consumers keep up (jwhook doctor)?",
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

    /// How many messages wait, as far as SQS knows.
    async fn waiting(&self) -> Result<u64> {
        let number = self.attribute(QueueAttributeName::ApproximateNumberOfMessages).await?;
        let number = number.and_then(|number| number.parse().ok());
        number.with_context(|| format!("SQS doesn't say how many messages wait in {}", self.url))
    }

    /// After how many receives a message is dead-lettered, where it is.
    async fn max_receives(&self) -> Result<Option<u32>> {
        let policy = self.attribute(QueueAttributeName::RedrivePolicy).await?;
        let Some(policy) = policy else { return Ok(None) };
        let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
        // a number, and in policies of some tools a text
        let count = match &policy["maxReceiveCount"] {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        };
        let count = count.with_context(|| {
            format!("the redrive policy of {} doesn't say after how many receives", self.url)
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
