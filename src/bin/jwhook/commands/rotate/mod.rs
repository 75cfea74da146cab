//! Replacing a webhook and its secret. JW can't change a webhook's secret: a new webhook takes its
//! place, with another id.
//!
//! [`state`] finds how far the rotation is, [`steps`] lists what is left and does it. A run that was
//! interrupted is nothing special: the next one finds more of it done.

#[cfg(test)]
mod model;
mod state;
mod steps;

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use serde_json::json;

use self::state::Found;
use self::steps::{Rotation, Step, Waits};
use crate::context::Context;
use crate::held_keys::DropHeld;
use crate::interrupt;
use crate::jw::webhook::{Webhook, parse_id};
use crate::output::note;
use crate::parked::{Parking, Purpose};
use crate::settling::{longest_refusal, needed};
use crate::standing::named;
use crate::verdict::Verdict;

/// JW does not document how soon it uses a changed URL. A shorter `--settle` shortens this wait too.
const MAX_OVERLAP: Duration = Duration::from_secs(60);

/// The long help.
pub const LONG_ABOUT: &str = "\
Replace a webhook and its secret, without refusing an event

JW can't give a webhook another secret, so a new webhook takes its place: with the same name, \
description, events and sites, another id and another secret. The new one is created parked, at a URL \
where nobody listens, and its key put into the ring. Once no warm function refuses its events, the new \
webhook is made to call the endpoint; for a while JW sends each event to both, with the same \
event_id. Then the old webhook is deleted, and when its late deliveries are in, its key is taken out \
of the ring. While events are held, the key stays: one of them may need it (--drop-held).

Interrupted at any point, the same command goes on from there, on any machine: it finds what is done \
at JW and in the ring. Until the old webhook is deleted, it does its work as before.";

const EXAMPLES: &str = "\
Examples:
  jwhook rotate c0Y6ebVU --dry-run    what would be done, and how long it takes
  jwhook rotate c0Y6ebVU
  jwhook rotate c0Y6ebVU --yes --output json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The id of the webhook to replace
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
    /// How long to wait after the new key was stored, until no warm function refuses the new webhook's
    /// events. By default 40 seconds, or the stack's SecretTtlSeconds and 10 seconds, whichever is less
    #[arg(long, value_name = "SECONDS")]
    settle: Option<u64>,
    /// How long both webhooks stay active, until JW surely sends to the new one. By default 60 seconds,
    /// or as long as --settle, if that is less
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u64>,
    /// How long to wait for late deliveries of the old webhook before its key is taken out; JW
    /// documents no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    grace: u64,
    #[command(flatten)]
    parking: Parking,
    #[command(flatten)]
    held: DropHeld,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    /// The waits that are asked for, else the defaults with this TTL of the secret.
    fn waits(&self, ttl: Duration) -> Waits {
        let settle = self.settle.map(Duration::from_secs);
        // a short TTL makes JW no faster
        let overlap = settle.map_or(MAX_OVERLAP, |settle| settle.min(MAX_OVERLAP));
        Waits {
            settle: settle.unwrap_or_else(|| needed(ttl)),
            overlap: self.overlap.map_or(overlap, Duration::from_secs),
            grace: Duration::from_secs(self.grace),
            held: self.held,
        }
    }
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let id = arguments.id.as_str();
    let parked_at = arguments.parking.url(Purpose::Replace(id))?;
    let ttl = context.stack().await?.secret_ttl();
    let waits = arguments.waits(ttl);
    let settle = waits.settle;
    let found = state::look(context, id).await?;
    let current_for = match &found {
        Found::Parked { .. } => context.keys().await?.current_for().await,
        _ => Duration::ZERO, // no step depends on it
    };
    let steps = steps::left(&found, current_for, waits);
    let question = question(id, &found);
    let (old, new) = found.old_and_new();
    if arguments.dry_run {
        show(context, id, new.as_ref(), &steps)?;
        return Ok(Verdict::Good);
    }
    let refusal = longest_refusal(ttl);
    if settle <= refusal {
        note(&format!(
            "--settle {} is too short: warm functions may refuse the new webhook's events for {} s \
             after its key was stored",
            settle.as_secs(),
            refusal.as_secs()
        ));
    }
    context.answers().confirm(&question)?;
    let mut rotation = Rotation { context, old_id: id, parked_at: &parked_at, settle, old, new };
    perform(&mut rotation, &steps).await?;
    let new_id = rotation.new.map(|webhook| webhook.id);
    let result = json!({
        "old_webhook_id": id,
        "new_webhook_id": new_id,
        "secret_ttl_seconds": ttl.as_secs(),
    });
    context.format().result(&result, || {
        let by = new_id.map(|new| format!(" by {new}")).unwrap_or_default();
        format!(
            "webhook {id} is replaced{by}; warm functions take the old key for another {} s at most",
            ttl.as_secs()
        )
    })?;
    Ok(Verdict::Good)
}

/// What a person should know before it begins, or goes on.
fn question(id: &str, found: &Found) -> String {
    let question = match found {
        Found::Begin { old, .. } => {
            format!("Replace webhook {}? It is deleted on the way.", named(old))
        }
        Found::Parked { old: Some(old), new, .. } => format!(
            "Go on replacing webhook {} by {}, which is parked? The old one is deleted on the way.",
            named(old),
            new.id
        ),
        Found::Parked { old: None, new, .. } => {
            format!(
                "Webhook {id} is gone at JW. Make {}, which is parked, call the endpoint?",
                new.id
            )
        }
        Found::Live { old, new } => format!(
            "Go on replacing webhook {} by {}, which does the same and has its key in the ring? The \
             old one is deleted next.",
            named(old),
            new.id
        ),
        Found::Gone { heirs } => {
            let heirs: Vec<String> = heirs.iter().map(named).collect();
            format!(
                "Webhook {id} is gone at JW, and {} calls the endpoint. Take the old key out of the \
                 ring?",
                heirs.join(", ")
            )
        }
    };
    match found {
        Found::Begin { orphans, .. } | Found::Parked { orphans, .. } if !orphans.is_empty() => {
            let orphans: Vec<String> = orphans.iter().map(named).collect();
            format!(
                "{question} What an interrupted run made and lost the key of is deleted too: {}.",
                orphans.join(", ")
            )
        }
        _ => question,
    }
}

fn show(context: &Context, id: &str, new: Option<&Webhook>, steps: &[Step]) -> Result<()> {
    let result = json!({
        "dry_run": true,
        "old_webhook_id": id,
        "new_webhook_id": new.map(|webhook| &webhook.id),
        "steps": steps,
    });
    context.format().result(&result, || {
        let by = new.map(|new| format!(" by {}", new.id)).unwrap_or_default();
        let mut lines = vec![format!("To replace webhook {id}{by}, jwhook would:")];
        lines
            .extend(steps.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)));
        lines.join("\n")
    })
}

/// Does the steps, until all are done or Ctrl-C.
async fn perform(rotation: &mut Rotation<'_>, steps: &[Step]) -> Result<()> {
    let id = rotation.old_id;
    let go_on = format!("no event is lost by that, and jwhook rotate {id} goes on from there");
    let all = async {
        for (index, step) in steps.iter().enumerate() {
            note(&format!("[{}/{}] {step}", index + 1, steps.len()));
            rotation.perform(step).await.with_context(|| {
                format!("the rotation stopped at step {} ({step}): {go_on}", index + 1)
            })?;
        }
        Ok(())
    };
    tokio::select! {
        done = all => done,
        () = interrupt::asked() => Err(anyhow!("the rotation was interrupted: {go_on}")),
    }
}
