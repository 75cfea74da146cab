//! Reads `undelivered` records from the lines of the function's log and joins their parts.
//!
//! CloudWatch Logs returns the lines of several log streams. So a record's parts come in any order, mixed with
//! other records, and sometimes twice. Parts belong together only if all their members except the body are
//! equal, including `request_id` and `event_id`. So parts of two records are never mixed. A record that cannot
//! be read or joined is returned as [`Broken`], because the log has the only copy of the event.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde::Deserialize;

use crate::event::ROUTING_CLAIMS;
use crate::message::Message;

/// The beginning of each line of a record. A truncated line has it too.
const BEGINNING: &str = r#"{"undelivered":"#;

/// A record from the function's log with all its parts. The function writes records of verified events only.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undelivered {
    /// The queue that the function wanted to send the event to.
    pub queue_url: String,
    event_id: String,
    request_id: Option<String>,
    body: String,
    attributes: BTreeMap<String, String>,
    group_id: Option<String>,
    deduplication_id: Option<String>,
}

/// A log line with a whole record or a part of a record.
#[derive(Deserialize)]
struct Line {
    undelivered: Undelivered,
    part: Option<usize>,
    parts: Option<usize>,
}

/// A record that cannot be sent.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Broken {
    /// The line was truncated or changed.
    #[error("a line begins like an undelivered record but cannot be read")]
    Unreadable,
    /// Parts are missing from the lines.
    #[error(
        "the record of event {event_id} of request {request_id} is incomplete: the log has only parts {} \
        of {parts}",
        list(found)
    )]
    Incomplete {
        /// The event's identity.
        event_id: String,
        /// The invocation that wrote the record.
        request_id: String,
        /// The parts in the log.
        found: Vec<usize>,
        /// The number of parts that the record has.
        parts: usize,
    },
    /// The log has two different bodies for one part.
    #[error(
        "the record of event {event_id} of request {request_id} contradicts itself: the log has \
        part {part} of {parts} with different bodies"
    )]
    Contradictory {
        /// The event's identity.
        event_id: String,
        /// The invocation that wrote the record.
        request_id: String,
        /// The number of the part with different bodies.
        part: usize,
        /// The number of parts that the record has.
        parts: usize,
    },
}

/// The records in a log, oldest first, each with the time of its first line in milliseconds since 1970.
#[derive(Debug, Default, PartialEq)]
pub struct Joined {
    /// The complete records.
    pub records: Vec<(i64, Undelivered)>,
    /// The records that cannot be sent.
    pub broken: Vec<(i64, Broken)>,
}

/// The parts of one record that were read so far, without duplicates.
#[derive(Default)]
struct Parts {
    logged: BTreeSet<i64>,
    bodies: BTreeSet<(usize, String)>,
}

/// Joins the parts of each record in these lines. Ignores all other lines.
pub fn join(lines: impl IntoIterator<Item = (i64, impl AsRef<str>)>) -> Joined {
    let mut joined = Joined::default();
    let mut incomplete = BTreeMap::<(Undelivered, usize), Parts>::new();
    for (logged, line) in lines {
        let line = line.as_ref();
        match serde_json::from_str::<Line>(line) {
            // an old record, from before records had parts and a request id
            Ok(Line { undelivered, part: None, parts: None }) => {
                joined.records.push((logged, undelivered));
            }
            Ok(Line { mut undelivered, part: Some(part), parts: Some(parts) })
                if undelivered.request_id.is_some() && (1..=parts).contains(&part) =>
            {
                let body = mem::take(&mut undelivered.body);
                let record = incomplete.entry((undelivered, parts)).or_default();
                record.logged.insert(logged);
                record.bodies.insert((part, body));
            }
            Err(_) if !line.trim_start().starts_with(BEGINNING) => {}
            _ => joined.broken.push((logged, Broken::Unreadable)),
        }
    }
    for ((undelivered, parts), record) in incomplete {
        let logged = record.logged.first().copied().unwrap_or_default();
        match record.join(undelivered, parts) {
            Ok(undelivered) => joined.records.push((logged, undelivered)),
            Err(broken) => joined.broken.push((logged, broken)),
        }
    }
    joined.records.sort_by_key(|(logged, _)| *logged);
    joined.broken.sort_by_key(|(logged, _)| *logged);
    joined
}

impl Parts {
    fn join(self, mut undelivered: Undelivered, parts: usize) -> Result<Undelivered, Broken> {
        let found: Vec<usize> = self.bodies.iter().map(|(part, _)| *part).collect();
        if found.iter().copied().eq(1..=parts) {
            undelivered.body = self.bodies.into_iter().map(|(_, body)| body).collect();
            return Ok(undelivered);
        }
        let event_id = undelivered.event_id;
        let request_id = undelivered.request_id.unwrap_or_default();
        Err(match found.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Broken::Contradictory { event_id, request_id, part: pair[0], parts },
            None => Broken::Incomplete { event_id, request_id, found, parts },
        })
    }
}

fn list(parts: &[usize]) -> String {
    parts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

impl Undelivered {
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
mod tests;
