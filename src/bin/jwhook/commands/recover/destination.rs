//! Finds the queue for each event: the queue that its record names, or the queue that `--queue-url` names.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::undelivered::join::Undelivered;

use crate::options::Options;
use crate::stack::Stack;

/// Where the events go.
pub struct Destination {
    /// The queue that `--queue-url` names.
    given: Option<String>,
    /// The queues that the records name.
    meant: BTreeSet<String>,
    /// The stack's queue.
    stacks: Option<String>,
}

impl Destination {
    /// Fails if `--queue-url` names a queue of another kind (FIFO or standard) than a record, because
    /// the record's message fits only the kind that it was made for.
    pub fn find(options: &Options, stack: &Stack, records: &[(i64, Undelivered)]) -> Result<Self> {
        let meant: BTreeSet<String> =
            records.iter().map(|(_, record)| record.queue_url.clone()).collect();
        let given = options.queue_url.clone();
        if let Some(given) = &given
            && let Some(other) = meant.iter().find(|queue| is_fifo(queue) != is_fifo(given))
        {
            bail!(
                "--queue-url {given} is a {0} queue, but some events in the log are for the {1} \
                 queue {other}. An event for a {1} queue cannot be sent to a {0} queue. Nothing \
                 was sent: omit --queue-url, or give a {1} queue",
                kind(given),
                kind(other)
            );
        }
        Ok(Self { given, meant, stacks: stack.queue_url().ok().map(str::to_owned) })
    }

    /// The queue for this record's event.
    pub fn of<'d>(&'d self, record: &'d Undelivered) -> &'d str {
        self.given.as_ref().unwrap_or(&record.queue_url)
    }

    /// The names of the queues, for the question to the operator.
    pub fn name(&self) -> String {
        match &self.given {
            Some(given) => given.clone(),
            None => self.meant.iter().map(String::as_str).collect::<Vec<_>>().join(" and "),
        }
    }

    /// Notes about events that go to an unexpected queue.
    pub fn notes(&self) -> Vec<String> {
        let usual = self.given.as_ref().or(self.stacks.as_ref());
        let others = self.meant.iter().filter(|queue| usual.is_some_and(|usual| usual != *queue));
        let note = |queue: &String| match (&self.given, &self.stacks) {
            (Some(given), _) => format!(
                "some events in the log are for queue {queue}, but --queue-url sends them to {given}"
            ),
            (None, stacks) => format!(
                "some events in the log are for queue {queue} and go there, but the stack's queue \
                 is now {}; give --queue-url to send them to another queue",
                stacks.as_deref().unwrap_or("none")
            ),
        };
        others.map(note).collect()
    }
}

fn is_fifo(queue_url: &str) -> bool {
    QueueUrl::parse(queue_url).is_some_and(|url| url.is_fifo())
}

fn kind(queue_url: &str) -> &'static str {
    if is_fifo(queue_url) { "FIFO" } else { "standard" }
}
