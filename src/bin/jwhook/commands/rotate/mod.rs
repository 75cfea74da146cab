//! Replaces a webhook and its secret. JW cannot change a webhook's secret, so a new webhook with
//! another id replaces the old webhook.
//!
//! [`state`] finds out which steps are done, and [`steps`] lists and runs the remaining steps.
//! After an interruption, the next run starts from the state that it finds.

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

/// The default time for which both webhooks stay active. JW does not document how soon it uses a
/// changed URL. A shorter `--settle` also shortens this wait.
const MAX_OVERLAP: Duration = Duration::from_secs(60);

pub const LONG_ABOUT: &str = "\
Replace a webhook and its secret without losing an event

JW cannot change a webhook's secret, so jwhook replaces the webhook with a new one. The new webhook has \
the same name, description, events and sites, but another id and another secret.

At first the new webhook is parked: it calls a URL where nobody listens. jwhook stores its key in the \
ring and waits until every warm function accepts the key. Then jwhook activates the new webhook, and for \
a while JW sends each event through both webhooks, with the same event_id. Then jwhook deletes the old \
webhook, waits for its late deliveries, and removes its key from the ring. While events are held, the \
key stays in the ring, because a held event may need the key (--drop-held).

If the command is interrupted, run it again, on any machine, to continue: jwhook finds the state at JW \
and in the ring. The old webhook works until it is deleted.";

const EXAMPLES: &str = "\
Examples:
  jwhook rotate c0Y6ebVU --dry-run    shows the steps, and how long they take
  jwhook rotate c0Y6ebVU
  jwhook rotate c0Y6ebVU --yes --output json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The id of the webhook to replace
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
    /// How long to wait after the new key is stored, until every warm function accepts it. Default: 40
    /// seconds, or the stack's SecretTtlSeconds plus 10 seconds, whichever is shorter
    #[arg(long, value_name = "SECONDS")]
    settle: Option<u64>,
    /// How long both webhooks stay active, so that JW has time to begin to use the new webhook.
    /// Default: 60 seconds, or --settle, whichever is shorter
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u64>,
    /// How long to wait for late deliveries of the old webhook before its key is removed; JW documents
    /// no limit
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    grace: u64,
    #[command(flatten)]
    parking: Parking,
    #[command(flatten)]
    held: DropHeld,
    /// Show the steps, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    /// The waits from the options. The defaults depend on the secret's TTL.
    fn waits(&self, ttl: Duration) -> Waits {
        let settle = self.settle.map(Duration::from_secs);
        // the overlap does not depend on the TTL, because a short TTL does not make JW faster
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
        _ => Duration::ZERO, // the other states do not use it
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
             after its key is stored",
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
        let by = new_id.map(|new| format!(" with {new}")).unwrap_or_default();
        format!(
            "webhook {id} is replaced{by}; warm functions may accept the old key for another {} s",
            ttl.as_secs()
        )
    })?;
    Ok(Verdict::Good)
}

/// The question before the first step.
fn question(id: &str, found: &Found) -> String {
    let question = match found {
        Found::Begin { old, .. } => {
            format!("Replace webhook {}? jwhook will delete it.", named(old))
        }
        Found::Parked { old: Some(old), new, .. } => format!(
            "Continue to replace webhook {} with parked webhook {}? jwhook will delete the old webhook.",
            named(old),
            new.id
        ),
        Found::Parked { old: None, new, .. } => {
            format!(
                "Webhook {id} no longer exists at JW. Activate its parked replacement {}?",
                new.id
            )
        }
        Found::Live { old, new } => format!(
            "Continue to replace webhook {} with {}, which sends the same events and has a key in \
             the ring? jwhook will delete the old webhook next.",
            named(old),
            new.id
        ),
        Found::Gone { heirs } => {
            let heirs: Vec<String> = heirs.iter().map(named).collect();
            format!(
                "Webhook {id} no longer exists at JW. The endpoint is called by {}. Remove the old \
                 key from the ring?",
                heirs.join(", ")
            )
        }
    };
    match found {
        Found::Begin { orphans, .. } | Found::Parked { orphans, .. } if !orphans.is_empty() => {
            let orphans: Vec<String> = orphans.iter().map(named).collect();
            format!(
                "{question} jwhook will also delete the webhooks that an interrupted run created \
                 without storing their keys: {}.",
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
        let by = new.map(|new| format!(" with {}", new.id)).unwrap_or_default();
        let mut lines = vec![format!("To replace webhook {id}{by}, jwhook would:")];
        lines
            .extend(steps.iter().enumerate().map(|(index, step)| format!("{}. {step}", index + 1)));
        lines.join("\n")
    })
}

/// Runs the steps. Ends after the last step, or at Ctrl-C.
async fn perform(rotation: &mut Rotation<'_>, steps: &[Step]) -> Result<()> {
    let id = rotation.old_id;
    let resume = format!("no event is lost; run jwhook rotate {id} to continue");
    let all = async {
        for (index, step) in steps.iter().enumerate() {
            note(&format!("[{}/{}] {step}", index + 1, steps.len()));
            rotation.perform(step).await.with_context(|| {
                format!("the rotation stopped at step {} ({step}); {resume}", index + 1)
            })?;
        }
        Ok(())
    };
    tokio::select! {
        done = all => done,
        () = interrupt::requested() => Err(anyhow!("the rotation was interrupted; {resume}")),
    }
}
