//! Puts events back that the function verified and couldn't queue: its log has them whole, and
//! nothing else has them.

mod destination;
mod log;

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use aws_config::retry::RetryConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use clap::Args;
use jw_webhook_forwarder::attempt::Fault;
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::undelivered::join::{Broken, Undelivered};
use serde::Serialize;
use tokio::time::{Duration, Instant};

use self::destination::Destination;
use self::log::Log;
use crate::context::Context;
use crate::output::{self, Format};
use crate::verdict::Verdict;
use crate::{moment, progress};

/// How long the function itself goes on trying.
const TIME_FOR_EACH: Duration = Duration::from_secs(20);

pub const LONG_ABOUT: &str = "\
Send the log's undelivered events to the queue

Reads the `undelivered` records of the function's log, shows them, asks, and sends each as the \
function would have sent it: the same body, attributes, group and deduplication id, to the queue \
that it was meant for. Mend the queue first.

The log keeps its records, so what was recovered before is found again. Sending it again harms \
no consumer that remembers each event_id, and a FIFO queue itself drops what it had within the \
last 5 minutes.

A record is logged in parts, and a record with a missing part, or with a line that cannot be read, \
cannot be sent. Such records are listed on stderr and make the exit code 1.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook recover --since 2h --dry-run
  jwhook recover --since 2026-11-23T20:00:00Z")]
pub struct Arguments {
    /// Leave out what was logged before: RFC 3339, or so long ago (90m, 2h, 3d); without it, all that
    /// the log still has
    #[arg(long, value_name = "TIME", value_parser = moment::parse_past)]
    since: Option<SystemTime>,
    /// The function's log group, instead of the stack's
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
    /// Show the events and send none
    #[arg(long)]
    dry_run: bool,
}

/// What came of it.
#[derive(Serialize)]
struct Recovery {
    events: Vec<Event>,
    sent: usize,
    /// Further records of the same events.
    skipped: usize,
    /// Records that cannot be sent.
    broken: Vec<Unsendable>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Event {
    logged_at: String,
    event: Option<String>,
    media_id: Option<String>,
    channel_id: Option<String>,
    site_id: Option<String>,
    webhook_id: Option<String>,
    event_id: String,
    queue_url: String,
    /// SQS's, once it is sent.
    message_id: Option<String>,
}

#[derive(Serialize)]
struct Unsendable {
    logged_at: String,
    why: String,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let stack = context.stack().await?;
    let log_group = arguments.log_group.as_deref().or(stack.log_group());
    let log_group =
        log_group.context("give --stack NAME (or JWHOOK_STACK), or --log-group NAME")?;
    let log = Log::read(&context.sdk, log_group, arguments.since).await?;
    let destination = Destination::find(&context.options, stack, &log.records)?;

    let mut recovery = Recovery {
        events: log.records.iter().map(|record| Event::new(record, &destination)).collect(),
        sent: 0,
        skipped: log.repeated,
        broken: log.broken.iter().map(Unsendable::new).collect(),
        dry_run: arguments.dry_run,
    };
    let format = context.format();
    let verdict = recovery.tell_broken(log_group);
    if recovery.events.is_empty() {
        let text = || {
            format!(
                "log group {log_group} has no undelivered events{}{}",
                since(&arguments),
                recovery.and_broken()
            )
        };
        format.result(&recovery, text)?;
        return Ok(verdict);
    }
    recovery.list(format)?;
    destination.notes().iter().for_each(|note| output::note(note));
    if arguments.dry_run {
        let text = || {
            let events = counted(recovery.events.len(), "event");
            format!("{events} to be sent; none was (--dry-run){}", recovery.and_broken())
        };
        format.result(&recovery, text)?;
        return Ok(verdict);
    }
    let events = counted(recovery.events.len(), "event");
    context.answers().confirm(&format!("Send {events} to {}?", destination.name()))?;
    let outcome = send(context, &log.records, &mut recovery).await;
    format.result(&recovery, || {
        let skipped = counted(recovery.skipped, "further record");
        let broken = recovery.and_broken();
        format!("{} of {events} sent, {skipped} of the same ones skipped{broken}", recovery.sent)
    })?;
    outcome.map(|()| verdict)
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn since(arguments: &Arguments) -> String {
    match arguments.since {
        Some(since) => format!(" since {}", moment::written(since.into())),
        None => String::new(),
    }
}

async fn send(
    context: &Context,
    records: &[(i64, Undelivered)],
    recovery: &mut Recovery,
) -> Result<()> {
    // `attempt` retries, as in the function
    let config = Builder::from(&context.sdk).retry_config(RetryConfig::disabled()).build();
    let client = Client::from_conf(config);
    let number = records.len();
    let bar = progress::count(number, "sending");
    for ((_, record), event) in records.iter().zip(&mut recovery.events) {
        let url = QueueUrl::parse(&event.queue_url)
            .with_context(|| format!("{} is not the URL of an SQS queue", event.queue_url))?;
        let queue = EventQueue::new(client.clone(), url);
        let sent = queue.send_again(record, Instant::now() + TIME_FOR_EACH).await;
        match sent {
            Ok(message_id) => event.message_id = Some(message_id.to_string()),
            Err(fault) => {
                bar.finish_and_clear();
                return Err(stopped(&fault, event, recovery.sent, number));
            }
        }
        recovery.sent += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

fn stopped(fault: &Fault, event: &Event, sent: usize, number: usize) -> anyhow::Error {
    let advice = match fault {
        Fault::Refused(_) => {
            "check that the queue exists and that your credentials may sqs:SendMessage on it (and \
             kms:GenerateDataKey and kms:Decrypt on its key, if it has one)"
        }
        Fault::Unreachable(_) => "check the region and the network",
    };
    anyhow::anyhow!(
        "event {} to {}: {fault}; {sent} of {number} are sent. {advice}, then run it again: it sends \
         those again too, which harms no consumer that remembers event_id",
        event.event_id,
        event.queue_url
    )
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
        }
    }
}

impl Unsendable {
    fn new((logged_millis, broken): &(i64, Broken)) -> Self {
        Self { logged_at: moment::written_millis(*logged_millis), why: broken.to_string() }
    }
}

impl Recovery {
    /// Lists the records that cannot be sent: the exit code says that there are some.
    fn tell_broken(&self, log_group: &str) -> Verdict {
        for Unsendable { logged_at, why } in &self.broken {
            output::note(&format!("logged {logged_at}: {}", output::plain(why)));
        }
        if self.broken.is_empty() {
            return Verdict::Good;
        }
        output::note(&format!(
            "the records above are not sent. Run the command again in some minutes, without --since: \
             the log may not have shown all lines yet. Read what stays broken in log group {log_group}"
        ));
        Verdict::Bad
    }

    /// How many there are, for the last line.
    fn and_broken(&self) -> String {
        match self.broken.len() {
            0 => String::new(),
            number => format!("; {} broken and not sent", counted(number, "record")),
        }
    }

    /// Shows the events before the question; in a script's output they come at the end.
    fn list(&self, format: Format) -> Result<()> {
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
