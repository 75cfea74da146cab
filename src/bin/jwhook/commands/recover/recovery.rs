//! The result of each record, for the table, the JSON document and the exit code.

use anyhow::Result;
use jw_webhook_forwarder::undelivered::join::{Broken, Undelivered};
use serde::Serialize;

use super::destination::Destination;
use super::log::Log;
use crate::moment;
use crate::output::{self, Format};
use crate::verdict::Verdict;

/// The result of all records.
#[derive(Serialize)]
pub struct Recovery {
    pub events: Vec<Event>,
    pub sent: usize,
    pub failed: usize,
    /// The number of further records of the same events, which are not sent.
    pub skipped: usize,
    /// Records that cannot be sent.
    broken: Vec<Unsendable>,
    dry_run: bool,
}

/// An event, and the result of sending it.
#[derive(Serialize)]
pub struct Event {
    logged_at: String,
    event: Option<String>,
    media_id: Option<String>,
    channel_id: Option<String>,
    site_id: Option<String>,
    webhook_id: Option<String>,
    pub event_id: String,
    pub queue_url: String,
    /// SQS's id, if the event was sent.
    pub message_id: Option<String>,
    /// Why the event was not sent, and what to do.
    pub error: Option<String>,
}

#[derive(Serialize)]
struct Unsendable {
    logged_at: String,
    why: String,
}

pub fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

impl Event {
    fn new((logged_millis, record): &(i64, Undelivered), destination: &Destination) -> Self {
        let message = record.message();
        let claim = |name: &str| message.attributes.get(name).map(|value| (*value).to_owned());
        Self {
            logged_at: moment::written_millis(*logged_millis),
            event: claim("event"),
            media_id: claim("media_id"),
            channel_id: claim("channel_id"),
            site_id: claim("site_id"),
            webhook_id: claim("webhook_id"),
            event_id: message.event_id.to_owned(),
            queue_url: destination.of(record).to_owned(),
            message_id: None,
            error: None,
        }
    }
}

impl Unsendable {
    fn new((logged_millis, broken): &(i64, Broken)) -> Self {
        Self { logged_at: moment::written_millis(*logged_millis), why: broken.to_string() }
    }
}

impl Recovery {
    pub fn new(log: &Log, destination: &Destination, repeated: usize, dry_run: bool) -> Self {
        Self {
            events: log.records.iter().map(|record| Event::new(record, destination)).collect(),
            sent: 0,
            failed: 0,
            skipped: repeated,
            broken: log.broken.iter().map(Unsendable::new).collect(),
            dry_run,
        }
    }

    /// Counts the events that were sent and the events that failed.
    pub fn count(&mut self) {
        self.sent = self.events.iter().filter(|event| event.message_id.is_some()).count();
        self.failed = self.events.iter().filter(|event| event.error.is_some()).count();
    }

    pub fn verdict(&self) -> Verdict {
        let is_whole = self.broken.is_empty() && self.failed == 0;
        if is_whole { Verdict::Good } else { Verdict::Bad }
    }

    /// Prints on stderr the records that cannot be sent.
    pub fn note_broken(&self, log_group: &str) {
        for Unsendable { logged_at, why } in &self.broken {
            output::note(&format!("logged {logged_at}: {}", output::plain(why)));
        }
        if !self.broken.is_empty() {
            output::note(&format!(
                "the records above cannot be sent. Run the command again in some minutes without \
                 --since, because the log may not have shown all lines yet. If a record still \
                 cannot be sent then, read the record in log group {log_group}"
            ));
        }
    }

    /// Prints on stderr the events that failed, and the events that were not tried because an earlier
    /// event failed.
    pub fn note_failed(&self) {
        for event in &self.events {
            if let Some(error) = &event.error {
                let Event { event_id, queue_url, .. } = event;
                let told = format!("event {event_id} to {queue_url}: {error}");
                output::note(&output::plain(&told));
            }
        }
        if self.failed > 0 {
            output::note(
                "the events above were not sent. Repair the causes, then run the command again. It also \
                 sends the other events again, which harms no consumer that remembers event_id",
            );
        }
    }

    /// The number of failed events, for the last line.
    pub fn and_failed(&self) -> String {
        match self.failed {
            0 => String::new(),
            number => format!("; {} failed", counted(number, "event")),
        }
    }

    /// The number of broken records, for the last line.
    pub fn and_broken(&self) -> String {
        match self.broken.len() {
            0 => String::new(),
            number => format!("; {} broken and not sent", counted(number, "record")),
        }
    }

    /// Shows the events before the question. With JSON output the table goes to stderr, because the
    /// final document has the events.
    pub fn list(&self, format: Format) -> Result<()> {
        let headings = ["logged", "event", "media/channel", "site", "webhook", "event_id"];
        let mut table = output::table(&headings);
        for event in &self.events {
            let subject = event.media_id.as_ref().or(event.channel_id.as_ref());
            let claims =
                [event.event.as_ref(), subject, event.site_id.as_ref(), event.webhook_id.as_ref()];
            let claims = claims.map(|claim| output::plain(claim.map_or("-", String::as_str)));
            let mut row = vec![event.logged_at.clone()];
            row.extend(claims);
            row.push(output::plain(&event.event_id));
            table.add_row(row);
        }
        match format {
            Format::Table => output::line(&table.to_string()),
            Format::Json => {
                output::note(&table.to_string());
                Ok(())
            }
        }
    }
}
