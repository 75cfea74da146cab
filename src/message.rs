//! The SQS message of an event, within the limits of SQS's `SendMessage`. No emulator enforces these
//! limits, so this module enforces them, and `tests/it/messages.rs` tests them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use crate::event::{ROUTING_CLAIMS, VerifiedEvent};

/// SQS: "the length of MessageGroupId is 128 characters".
const MAX_GROUP_ID_BYTES: usize = 128;

/// The claims that name an event's subject, the narrowest first.
const SUBJECT_CLAIMS: [&str; 4] = ["media_id", "channel_id", "site_id", "webhook_id"];

/// The two kinds of SQS queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueueKind {
    /// Delivers at least once, in any order.
    Standard,
    /// Delivers in order within a message group, and drops duplicates for five minutes.
    Fifo,
}

/// The message that is sent to SQS, or written to the log if it cannot be sent.
#[derive(Debug, PartialEq)]
pub struct Message<'e> {
    /// The event's identity.
    pub event_id: &'e str,
    /// The message body: the signed payload.
    pub body: Cow<'e, str>,
    /// The message attributes, all of type String.
    pub attributes: BTreeMap<&'static str, &'e str>,
    /// FIFO queue: the event's subject. Standard queue: its site, for fair queues.
    pub group_id: Option<String>,
    /// FIFO queue: the event's identity.
    pub deduplication_id: Option<&'e str>,
}

impl<'e> Message<'e> {
    /// The message of an event for a kind of queue.
    pub fn new(event: &'e VerifiedEvent, kind: QueueKind) -> Self {
        let mut attributes = BTreeMap::from([("event_id", event.event_id())]);
        attributes.extend(
            ROUTING_CLAIMS.into_iter().filter_map(|name| Some((name, event.attribute(name)?))),
        );
        let (group, deduplication_id) = match kind {
            QueueKind::Standard => (event.routing("site_id"), None),
            QueueKind::Fifo => (Some(subject(event)), Some(event.event_id())),
        };
        Self {
            event_id: event.event_id(),
            body: acceptable(event.payload()),
            attributes,
            group_id: group.map(group_id),
            deduplication_id,
        }
    }
}

/// The event's subject. The events of one subject keep their order, and do not delay other subjects.
fn subject(event: &VerifiedEvent) -> &[u8] {
    SUBJECT_CLAIMS.into_iter().find_map(|name| event.routing(name)).unwrap_or(b"-")
}

/// A group id that SQS accepts: 1 to 128 ASCII letters, digits and punctuation marks, else the digest.
fn group_id(group: &[u8]) -> String {
    match std::str::from_utf8(group) {
        Ok(text)
            if (1..=MAX_GROUP_ID_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            text.to_owned()
        }
        _ => hex::encode(digest(&SHA256, group)),
    }
}

/// Escapes the two characters that SQS rejects and a JSON text may hold, U+FFFE and U+FFFF. The JSON value
/// stays the same. (SQS accepts `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to
/// #x10FFFF`. JSON escapes control characters, and UTF-8 has no surrogates.)
fn acceptable(payload: &str) -> Cow<'_, str> {
    if payload.contains(['\u{fffe}', '\u{ffff}']) {
        payload.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff").into()
    } else {
        payload.into()
    }
}
