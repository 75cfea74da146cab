//! Which answers the sender of events received, and what happened to the events.

use crate::jwhook::support::Account;
use crate::support::Answer;
use std::collections::{BTreeMap, BTreeSet};

/// The events that the sender sent, and the results.
#[derive(Debug, Default)]
pub struct Sent {
    /// For each event, the webhooks that sent the event.
    pub events: Vec<BTreeSet<String>>,
    /// How many deliveries of the old webhook were accepted after the old webhook was deleted. The
    /// function must accept them while the ring has the old key.
    pub late: usize,
    /// The accepted events, each as `event_id` and webhook ID.
    pub taken: BTreeSet<(String, String)>,
    /// Valid deliveries that were not accepted, and events that no webhook sent.
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

    /// The events in the queue, each as `event_id` and webhook ID. An event has the same `event_id`
    /// for all webhooks.
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
