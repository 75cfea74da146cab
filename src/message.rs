//! The SQS message of an event. This module enforces the limits of SQS's `SendMessage`, because no emulator
//! enforces them. `tests/it/messages.rs` tests the limits.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use crate::event::{ROUTING_CLAIMS, VerifiedEvent};

/// The longest group id. SQS's reference: "the length of MessageGroupId is 128 characters".
const MAX_GROUP_ID_BYTES: usize = 128;

/// The claims that can name an event's subject, from the narrowest subject to the widest.
const SUBJECT_CLAIMS: [&str; 4] = ["media_id", "channel_id", "site_id", "webhook_id"];

/// The two kinds of SQS queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueueKind {
    /// Delivers at least once, in any order.
    Standard,
    /// Delivers in order within a message group, and drops duplicates for five minutes.
    Fifo,
}

/// The message for SQS. If it cannot be sent, it is written to the log.
#[derive(Debug, PartialEq)]
pub struct Message<'e> {
    /// The event's id.
    pub event_id: &'e str,
    /// The message body: the signed payload.
    pub body: Cow<'e, str>,
    /// The message attributes, all of type String.
    pub attributes: BTreeMap<&'static str, &'e str>,
    /// In a FIFO queue, the event's subject. In a standard queue, the event's site, for SQS's fair queues.
    pub group_id: Option<String>,
    /// In a FIFO queue, the event's id. In a standard queue, `None`.
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

/// The event's subject. A FIFO queue keeps the events of one subject in order. They do not delay the events of
/// other subjects.
fn subject(event: &VerifiedEvent) -> &[u8] {
    SUBJECT_CLAIMS.into_iter().find_map(|name| event.routing(name)).unwrap_or(b"-")
}

/// Returns `group` as a group id, if SQS accepts it: 1 to 128 ASCII letters, digits and punctuation marks.
/// Otherwise, returns the digest of `group`.
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

/// Escapes U+FFFE and U+FFFF, which SQS rejects although a JSON text may contain them. The JSON value stays the
/// same. (SQS accepts `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`. JSON escapes
/// control characters, and UTF-8 has no surrogates.)
fn acceptable(payload: &str) -> Cow<'_, str> {
    if payload.contains(['\u{fffe}', '\u{ffff}']) {
        payload.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff").into()
    } else {
        payload.into()
    }
}
