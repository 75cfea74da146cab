//! What the function's log says about events.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use jw_webhook_forwarder::undelivered::join::{Joined, join};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use crate::aws;
use crate::log::{self, Line};

/// The filter pattern: every wide event and every part of an undelivered record has this member.
const PATTERN: &str = r#""request_id""#;

/// The log is read from this long before the window, because JW's clock may be ahead of AWS's: an event
/// may be logged before the creation time of its medium.
const SLACK: Duration = Duration::minutes(15);

/// An event's name and the id of its medium. They identify the event, whichever webhook JW sent it
/// through.
type Key = (String, String);

/// What the log says about events.
#[derive(Debug, Default, PartialEq)]
pub struct Evidence {
    accepted: BTreeSet<Key>,
    undelivered: BTreeSet<Key>,
    stale: BTreeSet<Key>,
    /// The number of refused requests and held records, by reason.
    pub refused: BTreeMap<String, usize>,
    /// The number of requests that the function could neither verify nor hold.
    pub lost: usize,
    /// The number of undelivered records that cannot be read or joined.
    pub broken: usize,
}

/// The members of a wide event that count as evidence.
#[derive(Deserialize)]
struct WideEvent {
    outcome: String,
    reason: String,
    event: Option<String>,
    media_id: Option<String>,
    #[serde(rename = "Lost")]
    lost: Option<u64>,
}

impl Evidence {
    pub async fn read(sdk: &SdkConfig, group: &str, since: OffsetDateTime) -> Result<Self> {
        let lines = log::read(sdk, group, PATTERN, Some((since - SLACK).into()), None).await?;
        Ok(Self::of(lines, since))
    }

    fn of(lines: Vec<Line>, since: OffsetDateTime) -> Self {
        let since = since.unix_timestamp_nanos() / 1_000_000;
        let mut evidence = Self::default();
        for (logged, line) in &lines {
            if let Ok(event) = serde_json::from_str::<WideEvent>(line) {
                evidence.add(event, i128::from(*logged) >= since);
            }
        }
        let Joined { records, broken } = join(lines);
        for (_, record) in &records {
            let attributes = record.message().attributes;
            if let (Some(event), Some(media_id)) =
                (attributes.get("event"), attributes.get("media_id"))
            {
                evidence.undelivered.insert((String::from(*event), String::from(*media_id)));
            }
        }
        evidence.broken = broken.len();
        evidence
    }

    fn add(&mut self, event: WideEvent, is_counted: bool) {
        let key = event.event.zip(event.media_id);
        match (event.outcome.as_str(), event.reason.as_str(), key) {
            ("accepted", _, Some(key)) => {
                self.accepted.insert(key);
            }
            ("refused", "event_stale", Some(key)) => {
                self.stale.insert(key);
            }
            _ => {}
        }
        if is_counted && event.outcome == "refused" {
            *self.refused.entry(event.reason).or_default() += 1;
        }
        if is_counted && event.lost.is_some() {
            self.lost += 1;
        }
    }

    /// Whether the function has put this event into the queue.
    pub fn has_arrived(&self, event: &str, media_id: &str) -> bool {
        self.accepted.contains(&key(event, media_id))
    }

    /// Why an event has not arrived, according to the log.
    pub fn reason(&self, event: &str, media_id: &str) -> &'static str {
        let key = key(event, media_id);
        if self.undelivered.contains(&key) {
            "undelivered"
        } else if self.stale.contains(&key) {
            "stale"
        } else {
            "no trace"
        }
    }
}

fn key(event: &str, media_id: &str) -> Key {
    (event.to_owned(), media_id.to_owned())
}

/// How long the log group keeps lines. `None` means for ever.
pub async fn retention(sdk: &SdkConfig, group: &str) -> Result<Option<Duration>> {
    let call = Client::new(sdk).describe_log_groups().log_group_name_prefix(group);
    let answer = call.send().await.map_err(|error| {
        aws::failed("logs:DescribeLogGroups", &format!("log group {group}"), error)
    })?;
    let groups = answer.log_groups.unwrap_or_default();
    let found = groups.into_iter().find(|found| found.log_group_name.as_deref() == Some(group));
    Ok(found.and_then(|group| group.retention_in_days).map(|days| Duration::days(days.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Reads the evidence in these log lines. A line's time is in milliseconds after the start of the
    /// window.
    fn of(lines: &[(i64, Value)]) -> Evidence {
        let since = OffsetDateTime::UNIX_EPOCH + Duration::seconds(90);
        let lines = lines.iter().map(|(logged, line)| (90_000 + logged, line.to_string()));
        Evidence::of(lines.collect(), since)
    }

    fn wide(outcome: &str, reason: &str, media_id: Option<&str>) -> Value {
        let event = media_id.map(|_| "media_created");
        json!({"outcome": outcome, "reason": reason, "event": event, "media_id": media_id})
    }

    fn record(part: usize) -> Value {
        let attributes = json!({"event": "media_created", "media_id": "undelivered"});
        let record = json!({
            "event_id": "e", "queue_url": "q", "request_id": "r", "body": "b",
            "attributes": attributes,
        });
        json!({"undelivered": record, "part": part, "parts": 2})
    }

    #[test]
    fn reason_is_the_strongest_evidence_in_the_log() {
        let evidence = of(&[
            (-1, wide("accepted", "none", Some("accepted"))),
            (0, wide("failed", "queue_refused", Some("undelivered"))),
            (0, wide("refused", "event_stale", Some("undelivered"))),
            (0, record(2)),
            (0, record(1)),
            (0, wide("refused", "event_stale", Some("stale"))),
            (0, wide("refused", "another", Some("refused"))),
            (0, json!({"message": "a diagnostic", "request_id": "r"})),
        ]);
        assert!(evidence.has_arrived("media_created", "accepted"));
        assert!(!evidence.has_arrived("media_available", "accepted"));
        for (media_id, reason) in [
            ("undelivered", "undelivered"),
            ("stale", "stale"),
            ("refused", "no trace"),
            ("never", "no trace"),
        ] {
            assert!(!evidence.has_arrived("media_created", media_id));
            assert_eq!(evidence.reason("media_created", media_id), reason);
            assert_eq!(evidence.reason("media_available", media_id), "no trace");
        }
        assert_eq!(evidence.broken, 0);
    }

    #[test]
    fn requests_before_the_window_are_not_counted() {
        let mut lost = wide("failed", "secret_unavailable", None);
        lost["Lost"] = json!(1);
        let evidence = of(&[
            (-1, wide("refused", "signature_invalid", None)),
            (0, wide("refused", "signature_invalid", None)),
            (1, wide("refused", "signature_invalid", None)),
            (2, wide("refused", "event_stale", Some("stale"))),
            (2, wide("held", "secret_unavailable", None)),
            (-1, lost.clone()),
            (3, lost),
            (4, record(1)),
        ]);
        let refused = [("event_stale", 1), ("signature_invalid", 2)];
        let refused = refused.map(|(reason, number)| (reason.to_owned(), number));
        assert_eq!(evidence.refused, BTreeMap::from(refused));
        assert_eq!([evidence.lost, evidence.broken], [1, 1]);
    }
}
