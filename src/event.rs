//! An event that JW signed: what may be put on the queue, and nothing else may.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event_id::event_id;
use crate::rejection::Refusal;
use crate::token::VerifiedClaims;

/// The claims that consumers filter and order by. JW sends one of the last two.
pub const ROUTING_CLAIMS: [&str; 5] = ["event", "webhook_id", "site_id", "media_id", "channel_id"];

/// As far ahead of ours as JW's clock may be before an event's time is not believed.
const MAX_CLOCK_SKEW: time::Duration = time::Duration::seconds(300);

/// An SQS attribute's value may have 256 KiB; none of these ids needs more than this.
const MAX_ATTRIBUTE_BYTES: usize = 256;

/// An event whose signature was verified and whose body was the signed one: it is made of nothing
/// but [`VerifiedClaims`].
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

    /// The event's identity, the same whenever and by whichever webhook it is sent.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// A routing claim's content (in WTF-8), where the claim is a string.
    pub fn routing(&self, name: &str) -> Option<&[u8]> {
        self.routing.iter().find(|(claim, _)| *claim == name).map(|(_, text)| text.as_slice())
    }

    /// A routing claim as an attribute: where it is 1 to 256 printable ASCII characters.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let text = self.routing(name)?;
        let fits = (1..=MAX_ATTRIBUTE_BYTES).contains(&text.len())
            && text.iter().all(|byte| matches!(byte, 0x20..=0x7e));
        if fits { std::str::from_utf8(text).ok() } else { None }
    }

    /// How long before `now` the event happened, where it says so readably; negative if after.
    pub fn age(&self, now: OffsetDateTime) -> Option<time::Duration> {
        self.time.map(|time| now - time)
    }

    /// Refuses an event that does not say that it happened at most `limit` before `now`, or at most
    /// 300 seconds after.
    pub fn check_age(&self, limit: Option<Duration>, now: SystemTime) -> Result<(), Refusal> {
        let age = self.age(now.into());
        let is_within = |limit| age.is_some_and(|age| age <= limit && age >= -MAX_CLOCK_SKEW);
        if limit.is_none_or(is_within) { Ok(()) } else { Err(Refusal::EventStale) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An event with this payload, verified for the test's sake.
    pub(crate) fn verified(payload: &str) -> VerifiedEvent {
        VerifiedClaims::for_test(payload).into()
    }

    fn at(time: &str) -> OffsetDateTime {
        OffsetDateTime::parse(time, &Rfc3339).unwrap()
    }

    #[test]
    fn an_attribute_is_1_to_256_printable_ascii_characters() {
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
    fn an_event_is_within_the_limit_from_its_age_to_300_seconds_ahead() {
        let limit = Duration::from_secs(60);
        let event = verified(r#"{"event_time":"2023-11-14T22:30:10+00:00"}"#);
        let within = |now| event.check_age(Some(limit), at(now).into()).is_ok();
        assert!(within("2023-11-14T22:31:10Z"));
        assert!(!within("2023-11-14T22:31:10.001Z"));
        assert!(within("2023-11-14T22:25:10Z"));
        assert!(!within("2023-11-14T22:25:09.999Z"));
    }

    #[test]
    fn an_event_whose_time_is_missing_or_unreadable_is_never_within_the_limit() {
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
