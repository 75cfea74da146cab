//! Webhooks as a file that is reviewed: its difference from what JW has, and making it so.

mod perform;
mod plan;
mod yaml;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use self::plan::{Plan, Step, There};
use crate::context::Context;
use crate::creation;
use crate::endpoint::Endpoint;
use crate::held_keys::DropHeld;
use crate::interrupt::asked;
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
      id: 7Rav0hC5   # means this webhook, whatever its name is at JW
      description: for the studio
      events: [channel_active, channel_idle]
      site_ids: [jsPxIVHl, 9KboGBFu]";

pub const LONG_ABOUT_PLAN: &str = "\
Show how JW's webhooks differ from a file

Nothing is changed, and the exit code is 0 with differences or without; in JSON, \"steps\" has them. \
The file says which webhooks this stack should have, as jwhook apply --help explains.";

pub const LONG_ABOUT_APPLY: &str = "\
Make JW's webhooks as a file has them

It shows the difference and asks once; then it creates, changes and deletes, in this order, and says \
each step. A new webhook is created parked, at a URL where nobody listens, and is made to call the \
endpoint when its key is stored and no warm function refuses its events any more (--settle). \
Interrupted anywhere, the same command goes on from there.

An entry of the file means the webhook with its id or, without one, with its name. Only webhooks whose \
keys are in the ring are touched: the account's others, made by Zapier or in the dashboard, are left \
alone. A webhook that calls this stack, has its key in the ring and isn't in the file is deleted; while \
events are held, it stays, because one of them may need its key (--drop-held). The \
URL is always the stack's endpoint, and a description that isn't given stays as it is.";

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
        let them = if number == 1 { "this step" } else { "these steps" };
        context.answers().confirm(&format!("Do {them} ({number})?"))?;
    }
    tokio::select! {
        biased;
        done = perform::all(context, &arguments, &mut plan) => done?,
        () = asked() => bail!("interrupted; the same command goes on from there"),
    }
    context.format().result(&plan, || match number {
        0 => plan.text(),
        1 => "1 step done: JW's webhooks are as the file has them".to_owned(),
        _ => format!("{number} steps done: JW's webhooks are as the file has them"),
    })?;
    Ok(Verdict::Good)
}

async fn make_plan(context: &Context, arguments: &Arguments) -> Result<Plan> {
    let entries = yaml::read(&arguments.file)?;
    let endpoint = &context.stack().await?.https_endpoint()?;
    // the keys first: whose key is there by then is at JW too, when its webhooks are read
    let keys = context.keys().await?.read_to_change().await?;
    let webhooks = context.jw().await?.list().await?;
    check_single_key(&keys, &webhooks, endpoint)?;
    let mut ring = keys.ids();
    ring.retain(|id| is_id(id));
    let mut plan = There { webhooks: &webhooks, ring: &ring, endpoint }.plan(&entries)?;
    if plan.steps.iter().any(|step| matches!(step, Step::Create { .. })) {
        let loss = creation::loss(context, &keys, &webhooks).await?;
        plan.loses_key = loss.is_some();
        plan.notes.extend(loss);
    }
    let is_unusable = |webhook: &&Webhook| keys.status(&webhook.id) == KeyStatus::Unusable;
    plan.notes.extend(webhooks.iter().filter(is_unusable).map(|webhook| {
        format!(
            "the function accepts no event of webhook {}: its key in the ring is unusable; run \
             jwhook doctor",
            named(webhook)
        )
    }));
    Ok(plan)
}

/// A key by itself doesn't say which webhook is ours. If none calls the stack, none is.
fn check_single_key(keys: &Keys, webhooks: &[Webhook], endpoint: &Endpoint) -> Result<()> {
    let mut callers = webhooks.iter().filter(|webhook| webhook.calls(endpoint));
    match callers.next() {
        Some(caller) if keys.is_single() => bail!(
            "the secret is one key by itself, which doesn't say whose, and webhook {} calls this \
             stack: make it a key ring first, with jwhook rotate {}",
            caller.id,
            caller.id
        ),
        _ => Ok(()),
    }
}
