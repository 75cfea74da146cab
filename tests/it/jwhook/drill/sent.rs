//! What a sender of events saw, and what became of them.

use crate::jwhook::support::Account;
use crate::support::Answer;
use std::collections::{BTreeMap, BTreeSet};

/// What the sender saw.
#[derive(Debug, Default)]
pub struct Sent {
    /// Of each event, the webhooks that JW sent it for.
    pub events: Vec<BTreeSet<String>>,
    /// Deliveries of the old webhook after it was gone, that had to be taken and were.
    pub late: usize,
    /// What was taken: `event_id` and webhook.
    pub taken: BTreeSet<(String, String)>,
    /// Good deliveries that weren't taken, and events that JW sent nobody.
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

    /// What is in the queue: `event_id` and webhook. One event's id is the same for all webhooks.
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
