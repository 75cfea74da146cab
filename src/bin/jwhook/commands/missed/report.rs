//! The report of missing events, as text and as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::evidence::Evidence;
use crate::held::{Held, Waiting};
use crate::jw::media::Medium;
use crate::moment;
use crate::output::{cell, note, plain, table};
use crate::verdict::Verdict;

/// What was checked and what was found.
#[derive(Serialize)]
pub struct Report {
    #[serde(serialize_with = "written")]
    pub since: OffsetDateTime,
    #[serde(serialize_with = "written")]
    pub until: OffsetDateTime,
    pub sites: Vec<Site>,
    /// The number of media that are older than every webhook of their site, so no event is expected.
    pub older_than_webhooks: usize,
    /// The number of expected events that reached the queue.
    pub arrived: usize,
    pub missing: Vec<Finding>,
    pub unknown: Vec<Finding>,
    pub pending: Vec<Finding>,
    /// The number of events in the held queue and in its dead-letter queue; `null` if unknown.
    held: Option<u64>,
    held_dead_lettered: Option<u64>,
    /// The number of refused requests, by reason.
    refused: BTreeMap<String, usize>,
    lost: usize,
    broken_records: usize,
    /// What could not be checked, and why.
    pub incomplete: Vec<String>,
}

#[derive(Serialize)]
pub struct Site {
    pub site_id: String,
    /// The number of media that were checked.
    pub media: usize,
}

/// An event that has not arrived.
#[derive(Serialize)]
pub struct Finding {
    event: &'static str,
    media_id: String,
    title: Option<String>,
    site_id: String,
    /// When the medium was created.
    created: String,
    reason: &'static str,
}

impl Finding {
    pub fn new(event: &'static str, site_id: &str, medium: &Medium, reason: &'static str) -> Self {
        Self {
            event,
            media_id: medium.id.clone(),
            title: medium.title.clone(),
            site_id: site_id.to_owned(),
            created: moment::written(medium.created),
            reason,
        }
    }
}

impl Report {
    pub fn new(since: OffsetDateTime, until: OffsetDateTime, held: &Held) -> Self {
        Self {
            since,
            until,
            sites: Vec::new(),
            older_than_webhooks: 0,
            arrived: 0,
            missing: Vec::new(),
            unknown: Vec::new(),
            pending: Vec::new(),
            held: held.waiting.as_ref().map(Waiting::number),
            held_dead_lettered: held.dead_lettered.as_ref().map(Waiting::number),
            refused: BTreeMap::new(),
            lost: 0,
            broken_records: 0,
            incomplete: Vec::new(),
        }
    }

    pub fn add_log(&mut self, evidence: Evidence) {
        self.refused = evidence.refused;
        self.lost = evidence.lost;
        self.broken_records = evidence.broken;
    }

    pub fn verdict(&self) -> Verdict {
        if self.missing.is_empty() && self.incomplete.is_empty() {
            Verdict::Good
        } else {
            Verdict::Bad
        }
    }

    /// Prints on stderr what could not be checked.
    pub fn note_incomplete(&self) {
        for why in &self.incomplete {
            note(&format!("incomplete: {why}"));
        }
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (findings, last_heading) in [(&self.missing, "REASON"), (&self.unknown, "UNKNOWN WHY")]
        {
            if !findings.is_empty() {
                text += &listed(findings, last_heading);
                text += "\n\n";
            }
        }
        text += &self.counts();
        for advice in self.advice() {
            text += "\n";
            text += &advice;
        }
        text
    }

    fn counts(&self) -> String {
        let media: usize = self.sites.iter().map(|site| site.media).sum();
        let [missing, pending, unknown] =
            [&self.missing, &self.pending, &self.unknown].map(Vec::len);
        let refused: usize = self.refused.values().sum();
        let by_reason = self.refused.iter().map(|(reason, number)| format!("{number} {reason}"));
        let by_reason = by_reason.collect::<Vec<_>>().join(", ");
        let or_unknown = |number: Option<u64>| {
            number.map_or_else(|| "unknown".to_owned(), |number| number.to_string())
        };
        format!(
            "media since {}: {media}; older than every webhook: {}; events: {}; arrived: {}; \
             missing: {missing}; pending: {pending}; unknown: {unknown}\n\
             events held now: {}, and dead-lettered: {}; requests refused in this time: {refused}{}; \
             events lost: {}",
            moment::written(self.since),
            self.older_than_webhooks,
            self.arrived + missing + pending + unknown,
            self.arrived,
            or_unknown(self.held),
            or_unknown(self.held_dead_lettered),
            if refused == 0 { String::new() } else { format!(" ({})", plain(&by_reason)) },
            self.lost,
        )
    }

    /// What to do next.
    fn advice(&self) -> Vec<String> {
        let reasons: BTreeSet<&str> = self.missing.iter().map(|finding| finding.reason).collect();
        let mut advice = Vec::new();
        if reasons.contains("undelivered") {
            advice.push(
                "undelivered: run jwhook recover to send these events to the queue, if nobody has \
                 run it yet"
                    .to_owned(),
            );
        }
        if let Some(finding) = self.missing.iter().find(|finding| finding.reason != "undelivered") {
            advice.push(format!(
                "events with the reason stale or no trace cannot be sent again: ask JW's API for \
                 each medium, for example GET /v2/sites/{}/media/{}/",
                plain(&finding.site_id),
                plain(&finding.media_id)
            ));
        }
        if !reasons.contains("no trace") {
            return advice;
        }
        if [self.held, self.held_dead_lettered].into_iter().flatten().any(|number| number > 0) {
            advice.push(
                "events with the reason no trace may be held: run jwhook recover --held".to_owned(),
            );
        }
        if self.broken_records > 0 {
            advice.push(format!(
                "events with the reason no trace may be in the {} undelivered records that cannot be read: \
                 run jwhook recover",
                self.broken_records
            ));
        }
        if !self.refused.is_empty() {
            advice.push(
                "events with the reason no trace may have been refused: run jwhook doctor"
                    .to_owned(),
            );
        }
        advice
    }
}

fn listed(findings: &[Finding], last_heading: &str) -> String {
    let mut table = table(&["EVENT", "MEDIUM", "TITLE", "SITE", "CREATED", last_heading]);
    for finding in findings {
        table.add_row([
            finding.event,
            &plain(&finding.media_id),
            &cell(finding.title.as_deref().unwrap_or("-")),
            &finding.site_id,
            &finding.created,
            finding.reason,
        ]);
    }
    table.trim_fmt()
}

fn written<S: Serializer>(moment: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment::written(*moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(reason: &'static str) -> Report {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut report = Report::new(now, now, &Held::default());
        report.missing.push(Finding {
            event: "media_created",
            media_id: "UUhbHm6C".to_owned(),
            title: None,
            site_id: "jsPxIVHl".to_owned(),
            created: moment::written(now),
            reason,
        });
        report
    }

    /// The kinds of advice, in order, each as the part of its text that no other kind has.
    fn advice(report: &Report) -> Vec<&'static str> {
        let kinds = ["cannot be sent again", "may be held", "undelivered", "refused"];
        let kind = |line: &String| kinds.into_iter().find(|kind| line.contains(kind)).unwrap();
        report.advice().iter().map(kind).collect()
    }

    #[test]
    fn held_and_refused_events_are_mentioned_only_if_an_event_has_no_trace() {
        for (reason, expected) in [
            ("undelivered", &["undelivered"][..]),
            ("stale", &["cannot be sent again"]),
            ("no trace", &["cannot be sent again", "may be held", "undelivered", "refused"]),
        ] {
            let mut report = with(reason);
            report.held = Some(1);
            report.broken_records = 1;
            report.refused.insert("signature_invalid".to_owned(), 1);
            assert_eq!(advice(&report), expected, "{reason}");
        }
        let mut report = with("no trace");
        report.held = Some(0);
        assert_eq!(advice(&report), ["cannot be sent again"]);
        report.held_dead_lettered = Some(1);
        assert_eq!(advice(&report), ["cannot be sent again", "may be held"]);
    }
}
