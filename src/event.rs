//! An event that JW signed. Only such an event can be sent to the queue.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event_id::event_id;
use crate::rejection::Refusal;
use crate::token::VerifiedClaims;

/// The claims by which consumers filter and order events. An event has either `media_id` or `channel_id`.
pub const ROUTING_CLAIMS: [&str; 5] = ["event", "webhook_id", "site_id", "media_id", "channel_id"];

/// How far JW's clock may be ahead of ours.
const MAX_CLOCK_SKEW: time::Duration = time::Duration::seconds(300);

/// The most bytes in the value of a message attribute. SQS allows 256 KiB, but JW's ids and names are short.
const MAX_ATTRIBUTE_BYTES: usize = 256;

/// An event whose signature and body were verified. It can only be made from [`VerifiedClaims`].
#[derive(Debug)]
pub struct VerifiedEvent {
    payload: String,
    event_id: String,
    routing: Vec<(&'static str, Vec<u8>)>,
    time: Option<OffsetDateTime>,
}

impl From<VerifiedClaims<'_>> for VerifiedEvent {
    fn from(verified: VerifiedClaims<'_>) -> Self {
        let claims = verified.claims();
        let routing = |name| Some((name, claims.string(name)?.to_vec()));
        let time = claims.string("event_time").and_then(|time| std::str::from_utf8(time).ok());
        Self {
            payload: verified.payload().to_owned(),
            event_id: event_id(claims),
            routing: ROUTING_CLAIMS.into_iter().filter_map(routing).collect(),
            time: time.and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok()),
        }
    }
}

impl VerifiedEvent {
    /// The signed payload, byte for byte.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The event's id, which is the same for every delivery and every webhook.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The text of a routing claim in WTF-8, if the claim is a string.
    pub fn routing(&self, name: &str) -> Option<&[u8]> {
        self.routing.iter().find(|(claim, _)| *claim == name).map(|(_, text)| text.as_slice())
    }

    /// The text of a routing claim for a message attribute, if it is 1 to 256 printable ASCII characters.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let text = self.routing(name)?;
        let fits = (1..=MAX_ATTRIBUTE_BYTES).contains(&text.len())
            && text.iter().all(|byte| matches!(byte, 0x20..=0x7e));
        if fits { std::str::from_utf8(text).ok() } else { None }
    }

    /// The event's age at `now`, or `None` if the event has no readable time. The age of an event in the future
    /// is negative.
    pub fn age(&self, now: OffsetDateTime) -> Option<time::Duration> {
        self.time.map(|time| now - time)
    }

    /// If there is a `limit`, refuses an event that is older than the limit at `now`, more than 300 seconds in
    /// the future, or without a readable time.
    pub fn check_age(&self, limit: Option<Duration>, now: SystemTime) -> Result<(), Refusal> {
        let age = self.age(now.into());
        let is_within = |limit| age.is_some_and(|age| age <= limit && age >= -MAX_CLOCK_SKEW);
        if limit.is_none_or(is_within) { Ok(()) } else { Err(Refusal::EventStale) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event with this payload. It counts as verified, although nothing signed it.
    pub(crate) fn verified(payload: &str) -> VerifiedEvent {
        VerifiedClaims::for_test(payload).into()
    }

    fn at(time: &str) -> OffsetDateTime {
        OffsetDateTime::parse(time, &Rfc3339).unwrap()
    }

    #[test]
    fn attribute_is_1_to_256_printable_ascii_characters() {
        let attribute = |claim: &str| {
            verified(&format!(r#"{{"event":{claim}}}"#)).attribute("event").map(str::to_owned)
        };
        let quoted = |text: &str| format!("\"{text}\"");
        assert_eq!(attribute(&quoted(" ~")).as_deref(), Some(" ~"));
        assert_eq!(attribute(&quoted(&"a".repeat(256))), Some("a".repeat(256)));
        for refused in [
            quoted(""),
            quoted(&"a".repeat(257)),
            quoted("é"),
            quoted("\\n"),
            quoted("\\u007f"),
            "7".to_owned(),
            "null".to_owned(),
        ] {
            assert_eq!(attribute(&refused), None, "{refused}");
        }
    }

    #[test]
    fn event_may_be_as_old_as_the_limit_and_300_seconds_in_the_future() {
        let limit = Duration::from_secs(60);
        let event = verified(r#"{"event_time":"2023-11-14T22:30:10+00:00"}"#);
        let within = |now| event.check_age(Some(limit), at(now).into()).is_ok();
        assert!(within("2023-11-14T22:31:10Z"));
        assert!(!within("2023-11-14T22:31:10.001Z"));
        assert!(within("2023-11-14T22:25:10Z"));
        assert!(!within("2023-11-14T22:25:09.999Z"));
    }

    #[test]
    fn event_without_a_readable_time_is_stale_if_there_is_a_limit() {
        for payload in [
            "{}",
            r#"{"event_time":1700000000}"#,
            r#"{"event_time":"yesterday"}"#,
            r#"{"event_time":"2023-11-14 22:30"}"#,
        ] {
            let event = verified(payload);
            assert_eq!(event.age(OffsetDateTime::UNIX_EPOCH), None, "{payload}");
            let checked = event.check_age(Some(Duration::MAX), SystemTime::UNIX_EPOCH);
            assert_eq!(checked, Err(Refusal::EventStale), "{payload}");
            assert_eq!(event.check_age(None, SystemTime::UNIX_EPOCH), Ok(()), "{payload}");
        }
    }
}
