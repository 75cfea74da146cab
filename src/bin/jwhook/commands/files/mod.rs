//! Webhooks as a file that is reviewed: its difference from what JW has, and making it so.

mod plan;
mod yaml;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::plan::{Plan, Step, There};
use crate::context::Context;
use crate::creation;
use crate::difference::merged;
use crate::held_keys::{self, DropHeld};
use crate::interrupt::asked;
use crate::jw::webhook::{Webhook, is_id};
use crate::keys::{KeyStatus, Keys, take_out};
use crate::output::note;
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
each step. Interrupted anywhere, the same command goes on from there.

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
    plan: Arguments,
    #[command(flatten)]
    held: DropHeld,
}

/// What is there, and the plan from it to what the file wants.
struct Planned {
    webhooks: Vec<Webhook>,
    plan: Plan,
}

pub async fn plan(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let planned = make_plan(context, &arguments).await?;
    planned.plan.notes.iter().for_each(|text| note(text));
    context.format().result(&planned.plan, || planned.plan.text())?;
    Ok(Verdict::Good)
}

pub async fn apply(context: &Context, arguments: ApplyArguments) -> Result<Verdict> {
    let Planned { mut webhooks, mut plan } = make_plan(context, &arguments.plan).await?;
    plan.notes.iter().for_each(|text| note(text));
    let number = plan.steps.len();
    if number > 0 {
        note(&plan.text());
        let them = if number == 1 { "this step" } else { "these steps" };
        context.answers().confirm(&format!("Do {them} ({number})?"))?;
    }
    tokio::select! {
        biased;
        done = perform_all(context, &mut plan.steps, &mut webhooks, arguments.held) => done?,
        () = asked() => bail!("interrupted; the same command goes on from there"),
    }
    context.format().result(&plan, || match number {
        0 => plan.text(),
        1 => "1 step done: JW's webhooks are as the file has them".to_owned(),
        _ => format!("{number} steps done: JW's webhooks are as the file has them"),
    })?;
    Ok(Verdict::Good)
}

async fn make_plan(context: &Context, arguments: &Arguments) -> Result<Planned> {
    let entries = yaml::read(&arguments.file)?;
    let endpoint = context.stack().await?.endpoint()?;
    // the keys first: whose key is there by then is at JW too, when its webhooks are read
    let keys = context.keys().await?.read_to_change().await?;
    let webhooks = context.jw().await?.list().await?;
    check_single_key(&keys, &webhooks, endpoint)?;
    let mut ring = keys.ids();
    ring.retain(|id| is_id(id));
    let mut plan = There { webhooks: &webhooks, ring: &ring, endpoint }.plan(&entries)?;
    if plan.steps.iter().any(|step| matches!(step, Step::Create { .. })) {
        plan.notes.extend(creation::loss(context, &keys, &webhooks).await?);
    }
    let is_unusable = |webhook: &&Webhook| keys.status(&webhook.id) == KeyStatus::Unusable;
    plan.notes.extend(webhooks.iter().filter(is_unusable).map(|webhook| {
        format!(
            "the function accepts no event of webhook {}: its key in the ring is unusable; run \
             jwhook doctor",
            named(webhook)
        )
    }));
    Ok(Planned { webhooks, plan })
}

/// A key by itself doesn't say which webhook is ours. If none calls the stack, none is.
fn check_single_key(keys: &Keys, webhooks: &[Webhook], endpoint: &str) -> Result<()> {
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

async fn perform_all(
    context: &Context,
    steps: &mut [Step],
    webhooks: &mut Vec<Webhook>,
    held: DropHeld,
) -> Result<()> {
    let number = steps.len();
    for (index, step) in steps.iter_mut().enumerate() {
        let said = step.to_string();
        note(&format!("[{}/{number}] {said}", index + 1));
        perform(context, step, webhooks, held).await.with_context(|| {
            format!(
                "stopped at step {} of {number} ({said}); the same command goes on from there",
                index + 1
            )
        })?;
    }
    Ok(())
}

async fn perform(
    context: &Context,
    step: &mut Step,
    webhooks: &mut Vec<Webhook>,
    held: DropHeld,
) -> Result<()> {
    let jw = context.jw().await?;
    match step {
        Step::Create { id, metadata } => {
            let webhook = creation::create_beside(context, webhooks, metadata).await?;
            note(&format!("      it is {}, and its key is in the ring", webhook.id));
            *id = Some(webhook.id.clone());
            webhooks.push(webhook);
        }
        Step::Change { id, changes, .. } => {
            let Some(webhook) = jw.find(id).await? else {
                bail!("webhook {id} was deleted meanwhile");
            };
            let wanted = changes.iter().map(|change| (change.member.to_owned(), change.to.clone()));
            jw.update(id, &merged(&webhook.metadata, &wanted.collect())).await?;
        }
        Step::Delete { id, .. } => {
            held_keys::before_removal(context, held).await?;
            // whoever answers the question takes time
            let endpoint = context.stack().await?.endpoint()?;
            if jw.find(id).await?.is_some_and(|webhook| !webhook.calls(endpoint)) {
                bail!("webhook {id} was made to call another URL meanwhile");
            }
            jw.delete(id).await?;
            if !held.drop_held {
                // the last events of the webhook may have been held meanwhile
                held_keys::wait(context).await?;
            }
            take_key_out(context, id).await?;
        }
        Step::RemoveKey { id } => {
            held_keys::before_removal(context, held).await?;
            // a list whose pages change while they are read can leave one out
            if jw.find(id).await?.is_some() {
                bail!("JW has webhook {id} after all, so its key stays");
            }
            take_key_out(context, id).await?;
        }
    }
    Ok(())
}

async fn take_key_out(context: &Context, id: &str) -> Result<()> {
    context.edit_keys(|ring| take_out(ring, id)).await.map(|_| ())
}
