//! What a sender of events saw, and what happened to the events.

use crate::jwhook::support::Account;
use crate::support::Answer;
use std::collections::{BTreeMap, BTreeSet};

/// What the sender saw.
#[derive(Debug, Default)]
pub struct Sent {
    /// For each event, the webhooks for which JW sent it.
    pub events: Vec<BTreeSet<String>>,
    /// Number of deliveries of the old webhook, after its deletion, that had to be accepted and
    /// were.
    pub late: usize,
    /// The accepted events: `event_id` and webhook.
    pub taken: BTreeSet<(String, String)>,
    /// Valid deliveries that were not accepted, and events that JW sent to nobody.
    pub faults: Vec<String>,
}

impl Sent {
    pub fn judge(&mut self, number: usize, id: &str, answer: &Answer) {
        match answer.verdict().as_str() {
            "200 accepted" => self.take(id, answer),
            other => self.faults.push(format!("event {number} of {id}: {other}")),
        }
    }

    pub fn take(&mut self, id: &str, answer: &Answer) {
        let event_id = answer.body["event_id"].as_str().unwrap();
        self.taken.insert((event_id.to_owned(), id.to_owned()));
    }

    /// The events in the queue: `event_id` and webhook. One event has the same ID for all webhooks.
    pub async fn queued(&self, account: &Account) -> BTreeSet<(String, String)> {
        let mut queued = BTreeSet::new();
        let mut subjects = BTreeMap::<String, String>::new();
        loop {
            let receive = account.sqs.receive_message().queue_url(&account.queue_url);
            let receive = receive.max_number_of_messages(10).message_attribute_names("All");
            let some = receive.send().await.unwrap().messages.unwrap_or_default();
            if some.is_empty() {
                return queued;
            }
            for message in some {
                let attributes = message.message_attributes.unwrap();
                let text = |name: &str| attributes[name].string_value().unwrap().to_owned();
                let of_media = subjects.entry(text("media_id")).or_insert_with(|| text("event_id"));
                assert_eq!(*of_media, text("event_id"));
                queued.insert((text("event_id"), text("webhook_id")));
            }
        }
    }
}
