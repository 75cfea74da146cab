//! `recover --held`: shows how many events wait for a usable secret, since when and why. Moves the dead
//! letters, which the function no longer retries, back to the held queue.

mod moving;

use anyhow::{Error, Result, anyhow, bail};
use aws_config::SdkConfig;
use jw_webhook_forwarder::key_ring::is_webhook_id;
use serde::Serialize;

use self::moving::{Move, Moved};
use super::recovery::counted;
use crate::commands::doctor::report::Report;
use crate::commands::doctor::ring;
use crate::context::Context;
use crate::held::{Held, Waiting};
use crate::moment;
use crate::output::{self, Format};
use crate::stack::Stack;
use crate::verdict::Verdict;

/// The held events, and what was done about them.
#[derive(Serialize)]
struct HeldEvents {
    /// The events that the function retries.
    waiting: Queue,
    /// The events that the function no longer retries.
    dead_lettered: Queue,
    /// The doctor's checks of the secret, if an event is held.
    secret: Option<Report>,
    /// SQS's task that moves the dead letters back to the held queue, if this run has started the task.
    moved: Option<Moved>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Queue {
    queue_url: String,
    number: u64,
    visible: u64,
    not_visible: u64,
    /// `None` if there is no message, or if CloudWatch has no value.
    oldest_since: Option<String>,
}

pub async fn run(context: &Context, dry_run: bool, drop_stale: bool) -> Result<Verdict> {
    let (stack, format) = (context.stack().await?, context.format());
    let found = Held::count(&context.sdk, stack).await?;
    let number = found.number();
    let Held { waiting: Some(waiting), dead_lettered: Some(dead_lettered) } = found else {
        return Err(no_queues(context));
    };
    let mut held = HeldEvents {
        waiting: Queue::of(&waiting, &context.sdk).await,
        dead_lettered: Queue::of(&dead_lettered, &context.sdk).await,
        secret: None,
        moved: None,
        dry_run,
    };
    if format == Format::Table {
        output::line(&held.waiting.line("waiting"))?;
        output::line(&held.dead_lettered.line("dead-lettered"))?;
    }
    if number == 0 {
        format.result(&held, || "no event is held".to_owned())?;
        return Ok(Verdict::Good);
    }
    let is_usable = held.check_secret(context, stack).await?;
    let secret = match is_usable {
        true => {
            "the secret is usable: the function retries each waiting event within 5 minutes. If an \
             event stays in the held queue, the function's log says why (source held_queue)"
        }
        false => {
            "the function cannot verify events until the secret is repaired (see above). After the \
             repair, the function retries each waiting event within 5 minutes"
        }
    };
    let number = dead_lettered.number();
    if number == 0 {
        format.result(&held, || format!("{secret}\nno event is dead-lettered: nothing to move"))?;
        return Ok(Verdict::Good);
    }
    let events = counted(usize::try_from(number)?, "dead-lettered event");
    let stale = stack.max_event_age().map(|age| {
        format!(
            "MaxEventAgeSeconds is {}. The function counts a moved event's age up to the move, and \
             drops events that are older than this limit",
            age.as_secs()
        )
    });
    if dry_run {
        stale.iter().for_each(|stale| output::note(stale));
        format
            .result(&held, || format!("{secret}\n{events} to move back; none moved (--dry-run)"))?;
        return Ok(Verdict::Good);
    }
    if let Some(stale) = stale.filter(|_| !drop_stale) {
        bail!(
            "{stale}. Nothing was moved: deploy the stack with an empty MaxEventAgeSeconds, then \
             run the command again, or give --drop-stale to move the events all the same"
        );
    }
    let moving = Move::of(context, &dead_lettered, &waiting).await?;
    context.answers().confirm(&question(&events, &waiting, is_usable))?;
    let moved = moving.perform().await?;
    let said = moved.said();
    held.moved = Some(moved);
    format.result(&held, || format!("{said}\n{secret}"))?;
    Ok(Verdict::Good)
}

/// The error for a missing held queue.
fn no_queues(context: &Context) -> Error {
    match &context.options.stack {
        Some(name) => anyhow!(
            "stack {name} has no outputs HeldQueueUrl and HeldDeadLetterQueueUrl, so jwhook cannot find \
             its held queues: deploy the stack again with this version's template"
        ),
        None => anyhow!(
            "jwhook finds the held queue and its dead-letter queue only in a stack's outputs: give \
             --stack NAME (or JWHOOK_STACK)"
        ),
    }
}

/// The question before the dead letters are moved.
fn question(events: &str, waiting: &Waiting, is_usable: bool) -> String {
    let mut question = format!("Move {events} back to the held queue {}?", waiting.url);
    if !is_usable {
        question += " The secret is not usable yet. If nobody repairs it within a day, the \
                     function stops retrying the events again.";
    }
    question
}

impl HeldEvents {
    /// Checks the secret as `doctor` does, and returns whether it is usable for every webhook.
    async fn check_secret(&mut self, context: &Context, stack: &Stack) -> Result<bool> {
        let mut report = Report::new(context.format());
        let keys = ring::check(&mut report, context, stack, true).await?;
        // a ring without a webhook's key is valid, but verifies nothing
        let has_key = keys
            .is_some_and(|keys| keys.is_single() || keys.ids().iter().any(|id| is_webhook_id(id)));
        let is_usable = has_key && report.verdict() == Verdict::Good;
        self.secret = Some(report);
        Ok(is_usable)
    }
}

impl Queue {
    async fn of(waiting: &Waiting, sdk: &SdkConfig) -> Self {
        // CloudWatch may still have an old value for a queue that is now empty
        let since = match waiting.number() {
            0 => Ok(None),
            _ => waiting.since(sdk).await,
        };
        let since = since.unwrap_or_else(|error| {
            output::note(&format!("cannot read since when the events wait: {error:#}"));
            None
        });
        Self {
            queue_url: waiting.url.clone(),
            number: waiting.number(),
            visible: waiting.visible,
            not_visible: waiting.not_visible,
            oldest_since: since.map(|since| moment::written(since.into())),
        }
    }

    fn line(&self, name: &str) -> String {
        let since = match &self.oldest_since {
            Some(since) => format!(", the oldest since {since}"),
            None if self.number == 0 => String::new(),
            None => ", of unknown age (CloudWatch has no value)".to_owned(),
        };
        let Self { queue_url, number, visible, not_visible, .. } = self;
        format!(
            "{name:13}  {number} ({visible} visible, {not_visible} not visible){since}, {queue_url}"
        )
    }
}
