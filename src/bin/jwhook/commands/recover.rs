//! Puts events back that the function could not deliver. Verified events that it could not queue are
//! in its log, and nothing else has them. Events that it could not verify are in the held queue, or in
//! that queue's dead-letter queue.

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
Send the log's undelivered events to the queue

Reads the `undelivered` records of the function's log, shows them, asks, and sends each as the \
function would have sent it: the same body, attributes, group and deduplication id, to the queue \
that it was meant for. Repair the queue first.

An event that cannot be sent does not stop the others: it is named at the end, with what to do, and \
makes the exit code 1. On a FIFO queue the later events of its message group wait for it, so that a \
group keeps its order. Run the command again once the cause is repaired.

The log keeps its records, so a second run finds the events that were sent before too. Sending them \
again harms no consumer that remembers each event_id, and a FIFO queue itself drops what it had within \
the last 5 minutes.

A record is logged in parts, and a record with a missing part, or with a line that cannot be read, \
cannot be sent. Such records are listed on stderr and make the exit code 1. No other record waits for \
them, because the missing part may never come.

With --held: events that the function could not verify, because it had no usable secret. Shows how many \
wait in the held queue, where the function retries them every 5 minutes for a day, and how many it has \
given up (the dead letters); since when; and whether the secret can be used now. After a question SQS \
moves the dead letters back to the held queue, and the function verifies them again. Messages are only \
counted, never read: they hold tokens. A moved message has a new SentTimestamp, from which \
MaxEventAgeSeconds counts an event's age: raise it, or leave it empty, before you move dead letters back.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook recover --since 2h --dry-run
  jwhook recover --since 2026-11-23T20:00:00Z
  jwhook recover --held")]
pub struct Arguments {
    /// Leave out what was logged before: RFC 3339, or so long ago (90m, 2h, 3d); without it, all that
    /// the log still has
    #[arg(long, value_name = "TIME", value_parser = moment::parse_past)]
    since: Option<SystemTime>,
    /// The function's log group, instead of the stack's
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
    /// Show the held events instead, and move those that the function has given up back to it
    #[arg(long, conflicts_with_all = ["since", "log_group"])]
    held: bool,
    /// Move held events back although the stack has MaxEventAgeSeconds: the function drops those that
    /// are older
    #[arg(long, requires = "held")]
    drop_stale: bool,
    /// Show the events; send and move none
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
    recovery.tell_broken(log_group);
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
            format!("{events} to be sent; none was (--dry-run){}", recovery.and_broken())
        })?;
        return Ok(recovery.verdict());
    }
    context.answers().confirm(&format!("Send {events} to {}?", destination.name()))?;
    let is_interrupted = tokio::select! {
        () = sending::send(&context.sdk, &log.records, &mut recovery.events) => false,
        () = interrupt::asked() => true,
    };
    recovery.count();
    recovery.tell_failed();
    format.result(&recovery, || {
        let skipped = counted(recovery.skipped, "further record");
        let (failed, broken) = (recovery.and_failed(), recovery.and_broken());
        let sent = recovery.sent;
        format!("{sent} of {events} sent, {skipped} of the same ones skipped{failed}{broken}")
    })?;
    if is_interrupted {
        bail!(
            "interrupted: {} of {events} sent, and perhaps the next one. Run the command again: it \
             sends those again too, which harms no consumer that remembers event_id",
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
