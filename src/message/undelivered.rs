//! An event that the function verified and couldn't deliver, read back from its log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::Message;
use crate::event::ROUTING_CLAIMS;

/// An `undelivered` record. It is made of nothing but a line of the function's log, where only
/// verified events are written.
#[derive(Debug, Deserialize)]
pub struct Undelivered {
    /// The queue that it was meant for.
    pub queue_url: String,
    event_id: String,
    body: String,
    attributes: BTreeMap<String, String>,
    group_id: Option<String>,
    deduplication_id: Option<String>,
}

/// A log line that has a record.
#[derive(Deserialize)]
struct Line {
    undelivered: Undelivered,
}

impl Undelivered {
    /// The record of a log line, if it is one: the function's log has other lines, and Lambda's own.
    pub fn in_line(line: &str) -> Option<Self> {
        serde_json::from_str::<Line>(line).ok().map(|line| line.undelivered)
    }

    /// The message, as the function would have sent it.
    pub fn message(&self) -> Message<'_> {
        let known = ["event_id"].into_iter().chain(ROUTING_CLAIMS);
        let attribute = |name| Some((name, self.attributes.get(name)?.as_str()));
        Message {
            event_id: &self.event_id,
            body: Cow::Borrowed(&self.body),
            attributes: known.filter_map(attribute).collect(),
            group_id: self.group_id.clone(),
            deduplication_id: self.deduplication_id.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::verified;
    use crate::message::QueueKind;

    const EVENT: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","x":"\uffff"}"#;

    #[test]
    fn what_the_function_logs_is_read_back_as_the_message_that_it_would_have_sent() {
        let event = verified(EVENT);
        for kind in [QueueKind::Standard, QueueKind::Fifo] {
            let message = Message::new(&event, kind);
            let mut record = serde_json::to_value(&message).unwrap();
            record["queue_url"] = "https://sqs/1/q".into();
            let line = serde_json::json!({ "undelivered": record }).to_string();
            let record = Undelivered::in_line(&line).unwrap();
            assert_eq!(record.message(), message);
            assert_eq!(record.queue_url, "https://sqs/1/q");
        }
    }

    #[test]
    fn other_lines_have_none() {
        for line in [
            "START RequestId: 1",
            "{}",
            r#"{"undelivered":1}"#,
            r#"{"outcome":"accepted","event":"undelivered"}"#,
        ] {
            assert!(Undelivered::in_line(line).is_none(), "{line}");
        }
    }
}
