//! `plan` shows how JW's webhooks differ from a file. `apply` changes the webhooks so that they match
//! the file.

mod perform;
mod plan;
mod yaml;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use self::plan::{Current, Plan, Step};
use crate::context::Context;
use crate::creation;
use crate::endpoint::Endpoint;
use crate::held_keys::DropHeld;
use crate::interrupt;
use crate::jw::webhook::{Webhook, is_id};
use crate::keys::{KeyStatus, Keys};
use crate::output::note;
use crate::parked::Parking;
use crate::settling::Settling;
use crate::standing::named;
use crate::verdict::Verdict;

const EXAMPLE: &str = "\
Example of a file:
  webhooks:
    - name: Newsroom
      events: [media_available, media_updated]
      site_ids: [jsPxIVHl]
    - name: Live
      id: 7Rav0hC5   # this webhook, whatever its name is at JW
      description: for the studio
      events: [channel_active, channel_idle]
      site_ids: [jsPxIVHl, 9KboGBFu]";

pub const LONG_ABOUT_PLAN: &str = "\
Show which changes would make JW's webhooks match a file

Changes nothing. The exit code is 0 with or without differences; in JSON, \"steps\" lists the \
differences. The file says which webhooks this stack should have: see jwhook apply --help.";

pub const LONG_ABOUT_APPLY: &str = "\
Create, change and delete JW's webhooks so that they match a file

The command shows the differences and asks once. Then it creates, changes and deletes webhooks, in this \
order, and prints each step. At first a new webhook is parked: it calls a URL where nobody listens. The \
command activates it once its key is stored and every warm function accepts the key (--settle). If the \
command is interrupted, run it again to continue.

An entry with an id matches the webhook with the same id. An entry without an id matches the webhook \
with the same name. The command touches only webhooks whose keys are in the ring, and leaves the \
account's other webhooks alone, such as those of Zapier or the dashboard. The command deletes a webhook \
only if the webhook calls this stack, has a key in the ring and is not in the file. If events are held, \
the command waits before a deletion, because a held event may need the key (--drop-held). The command \
makes each webhook of the file call the stack's endpoint. If an entry has no description, the \
description of the webhook does not change.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub struct Arguments {
    /// The file, in YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct ApplyArguments {
    #[command(flatten)]
    file: Arguments,
    #[command(flatten)]
    settling: Settling,
    #[command(flatten)]
    parking: Parking,
    #[command(flatten)]
    held: DropHeld,
}

pub async fn plan(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let plan = make_plan(context, &arguments).await?;
    plan.notes.iter().for_each(|text| note(text));
    context.format().result(&plan, || plan.text())?;
    Ok(Verdict::Good)
}

pub async fn apply(context: &Context, arguments: ApplyArguments) -> Result<Verdict> {
    let mut plan = make_plan(context, &arguments.file).await?;
    plan.notes.iter().for_each(|text| note(text));
    let number = plan.steps.len();
    if number > 0 {
        note(&plan.text());
        let steps = if number == 1 { "this step" } else { "these steps" };
        context.answers().confirm(&format!("Do {steps} ({number})?"))?;
    }
    tokio::select! {
        biased;
        done = perform::all(context, &arguments, &mut plan) => done?,
        () = interrupt::requested() => bail!("interrupted; run the same command again to continue"),
    }
    context.format().result(&plan, || match number {
        0 => plan.text(),
        1 => "1 step done: JW's webhooks match the file".to_owned(),
        _ => format!("{number} steps done: JW's webhooks match the file"),
    })?;
    Ok(Verdict::Good)
}

async fn make_plan(context: &Context, arguments: &Arguments) -> Result<Plan> {
    let entries = yaml::read(&arguments.file)?;
    let endpoint = &context.stack().await?.https_endpoint()?;
    // the keys first: a webhook exists before its key is stored, so JW's list then has the webhook of
    // every key
    let keys = context.keys().await?.read_to_change().await?;
    let webhooks = context.jw().await?.list().await?;
    check_single_key(&keys, &webhooks, endpoint)?;
    let mut ring = keys.ids();
    ring.retain(|id| is_id(id));
    let mut plan = Current { webhooks: &webhooks, ring: &ring, endpoint }.plan(&entries)?;
    if plan.steps.iter().any(|step| matches!(step, Step::Create { .. })) {
        let loss = creation::loss(context, &keys, &webhooks).await?;
        plan.loses_key = loss.is_some();
        plan.notes.extend(loss);
    }
    let is_unusable = |webhook: &&Webhook| keys.status(&webhook.id) == KeyStatus::Unusable;
    plan.notes.extend(webhooks.iter().filter(is_unusable).map(|webhook| {
        format!(
            "the function accepts no event of webhook {}, because its key in the ring is unusable: run \
             jwhook doctor",
            named(webhook)
        )
    }));
    Ok(plan)
}

/// Fails if the secret is a single key and a webhook calls the stack, because a single key does not
/// name its webhook.
fn check_single_key(keys: &Keys, webhooks: &[Webhook], endpoint: &Endpoint) -> Result<()> {
    let mut callers = webhooks.iter().filter(|webhook| webhook.calls(endpoint));
    match callers.next() {
        Some(caller) if keys.is_single() => bail!(
            "the secret is a single key, which does not name its webhook, and webhook {} calls this \
             stack: turn the secret into a key ring first, with jwhook rotate {}",
            caller.id,
            caller.id
        ),
        _ => Ok(()),
    }
}
