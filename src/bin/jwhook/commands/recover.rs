//! Recovers events that the function could not deliver. Events that the function verified but could not
//! queue are only in its log. Events that the function could not verify are in the held queue, or in
//! the held queue's dead-letter queue.

mod destination;
mod held;
mod log;
mod recovery;
mod sending;

use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::destination::Destination;
use self::log::Log;
use self::recovery::{Recovery, counted};
use crate::context::Context;
use crate::interrupt;
use crate::moment;
use crate::output;
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Send undelivered events from the log to the queue, or count held events and retry them

Reads the `undelivered` records in the function's log, shows them and asks. Then sends each event as the \
function would have sent it: with the same body, attributes, group and deduplication id, to the same \
queue. Repair the queue first.

If an event cannot be sent, the command continues with the others. At the end it prints each event that \
failed, with what to do, and exits with 1. On a FIFO queue the later events of the same message group \
are not sent either, so that the group keeps its order. Repair the cause, then run the command again.

The log keeps its records, so a second run sends the same events again. This harms no consumer that \
remembers each event_id, and a FIFO queue drops duplicates for 5 minutes.

A record is logged in parts. A record with a missing part or an unreadable line cannot be sent. The \
command lists such records on stderr and exits with 1. It sends the other records at once, because the \
missing part may never come.

With --held, the command is about events that the function could not verify, because it had no usable \
secret. It shows how many events wait in the held queue, where the function retries them every 5 minutes \
for a day, and how many the function no longer retries (the dead letters). It also shows since when the \
oldest event waits, and whether the secret is usable now. It asks, then SQS moves the dead letters back \
to the held queue, and the function verifies them again. The command only counts messages and never \
reads them, because they hold tokens. A moved message gets a new SentTimestamp. The function counts an \
event's age up to this time, and drops events older than MaxEventAgeSeconds: deploy the stack with \
this parameter empty before you move dead letters back.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook recover --since 2h --dry-run
  jwhook recover --since 2026-11-23T20:00:00Z
  jwhook recover --held")]
pub struct Arguments {
    /// Ignore records that were logged before this time (RFC 3339), or longer ago than this (90m, 2h, 3d);
    /// default: the whole log
    #[arg(long, value_name = "TIME", value_parser = moment::parse_past)]
    since: Option<SystemTime>,
    /// The function's log group (default: the stack's output)
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
    /// Count the held events, and move the events that the function no longer retries back to the held
    /// queue
    #[arg(long, conflicts_with_all = ["since", "log_group"])]
    held: bool,
    /// Move dead letters back even if the stack has MaxEventAgeSeconds. The function drops events that
    /// are older than this limit
    #[arg(long, requires = "held")]
    drop_stale: bool,
    /// Only show the events: send and move nothing
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    if arguments.held {
        return held::run(context, arguments.dry_run, arguments.drop_stale).await;
    }
    let stack = context.stack().await?;
    let log_group = arguments.log_group.as_deref().or(stack.log_group());
    let log_group =
        log_group.context("give --stack NAME (or JWHOOK_STACK), or --log-group NAME")?;
    let mut log = Log::read(&context.sdk, log_group, arguments.since).await?;
    let destination = Destination::find(&context.options, stack, &log.records)?;
    let repeated = log.drop_repeated(&destination);

    let mut recovery = Recovery::new(&log, &destination, repeated, arguments.dry_run);
    let format = context.format();
    recovery.note_broken(log_group);
    if recovery.events.is_empty() {
        format.result(&recovery, || {
            let since = since(&arguments);
            let broken = recovery.and_broken();
            format!("log group {log_group} has no undelivered events{since}{broken}")
        })?;
        return Ok(recovery.verdict());
    }
    recovery.list(format)?;
    destination.notes().iter().for_each(|note| output::note(note));
    let events = counted(recovery.events.len(), "event");
    if arguments.dry_run {
        format.result(&recovery, || {
            format!("{events} to send; none sent (--dry-run){}", recovery.and_broken())
        })?;
        return Ok(recovery.verdict());
    }
    context.answers().confirm(&format!("Send {events} to {}?", destination.name()))?;
    let is_interrupted = tokio::select! {
        () = sending::send(&context.sdk, &log.records, &mut recovery.events) => false,
        () = interrupt::requested() => true,
    };
    recovery.count();
    recovery.note_failed();
    format.result(&recovery, || {
        let skipped = counted(recovery.skipped, "further record");
        let (failed, broken) = (recovery.and_failed(), recovery.and_broken());
        let sent = recovery.sent;
        format!("{sent} of {events} sent, {skipped} of the same events skipped{failed}{broken}")
    })?;
    if is_interrupted {
        bail!(
            "interrupted: {} of {events} sent, and perhaps the next event too. Run the command \
             again. It also sends these events again, which harms no consumer that remembers \
             event_id",
            recovery.sent
        );
    }
    Ok(recovery.verdict())
}

fn since(arguments: &Arguments) -> String {
    match arguments.since {
        Some(since) => format!(" since {}", moment::written(since.into())),
        None => String::new(),
    }
}
