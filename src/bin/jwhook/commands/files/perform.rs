//! Runs the steps of a plan.

use anyhow::{Context as _, Result, bail};

use super::ApplyArguments;
use super::plan::{Plan, Step};
use crate::context::Context;
use crate::creation;
use crate::difference::{Change, merged};
use crate::held_keys::{self, DropHeld};
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, UnownedKey};
use crate::output::note;
use crate::parked::Purpose;

/// Runs all steps. New webhooks come first, and stay parked until every warm function has their keys.
pub async fn all(context: &Context, arguments: &ApplyArguments, plan: &mut Plan) -> Result<()> {
    let Plan { steps, loses_key, .. } = plan;
    let number = steps.len();
    let said = |index: usize, step: &Step| {
        note(&format!("[{}/{number}] {step}", index + 1));
        format!(
            "stopped at step {} of {number} ({step}); run the same command again to continue",
            index + 1
        )
    };
    // the operator has confirmed the plan, whose notes warn of the loss
    let unowned = if *loses_key { UnownedKey::Replaced } else { UnownedKey::Kept };
    let makes_call = steps.iter().any(Step::makes_call);
    let creates = steps.iter().take_while(|step| matches!(step, Step::Create { .. })).count();
    let mut parked = Vec::new();
    for (index, step) in steps.iter_mut().take(creates).enumerate() {
        let stopped = said(index, step);
        let Step::Create { id, metadata } = step else { break };
        let created = async {
            let parked_at = arguments.parking.url(Purpose::New)?;
            creation::create_parked(context, metadata, &parked_at, unowned).await
        };
        let webhook = created.await.with_context(|| stopped.clone())?;
        note(&format!("      the new webhook's id is {}, and its key is in the ring", webhook.id));
        *id = Some(webhook.id.clone());
        parked.push((webhook, metadata.clone(), stopped));
    }
    if makes_call {
        arguments.settling.wait(context).await?;
    }
    for (webhook, metadata, stopped) in parked {
        let metadata = merged(&webhook.metadata, &metadata);
        creation::activate(context, &webhook, &metadata).await.context(stopped)?;
    }
    for (index, step) in steps.iter().enumerate().skip(creates) {
        let stopped = said(index, step);
        perform(context, step, arguments.held).await.context(stopped)?;
    }
    Ok(())
}

async fn perform(context: &Context, step: &Step, held: DropHeld) -> Result<()> {
    let jw = context.jw().await?;
    match step {
        Step::Create { .. } => {} // done by `all`
        Step::Change { id, changes, .. } => {
            let Some(webhook) = jw.find(id).await? else {
                bail!("somebody deleted webhook {id} meanwhile");
            };
            if step.makes_call() {
                check_activation(context, &webhook, changes).await?;
            }
            let wanted = changes.iter().map(|change| (change.member.to_owned(), change.to.clone()));
            jw.update(id, &merged(&webhook.metadata, &wanted.collect())).await?;
        }
        Step::Delete { id, .. } => {
            held_keys::before_removal(context, held).await?;
            // the webhook may have changed while the question was open
            let endpoint = &context.stack().await?.endpoint()?;
            if jw.find(id).await?.is_some_and(|webhook| !webhook.calls(endpoint)) {
                bail!(
                    "somebody changed the URL of webhook {id} meanwhile: check it with jwhook show {id}"
                );
            }
            jw.delete(id).await?;
            held_keys::after_deletion(context, held).await?;
            context.remove_key(id).await?;
        }
        Step::RemoveKey { id } => {
            held_keys::before_removal(context, held).await?;
            // JW's list may lack a webhook if the list changed while its pages were read
            if jw.find(id).await?.is_some() {
                bail!("webhook {id} exists at JW after all, so its key stays in the ring");
            }
            context.remove_key(id).await?;
        }
    }
    Ok(())
}

/// Checks that the webhook's key and URL have not changed since the plan was made.
async fn check_activation(context: &Context, webhook: &Webhook, changes: &[Change]) -> Result<()> {
    let id = &webhook.id;
    if context.keys().await?.read().await?.status(id) != KeyStatus::InRing {
        bail!(
            "somebody removed the key of webhook {id} from the ring meanwhile: the webhook was not \
             activated. Look at it with jwhook show {id}, then run the same command again"
        );
    }
    let planned = changes.iter().find(|change| change.member == "webhook_url");
    if planned.is_some_and(|change| change.from.as_str() != webhook.url()) {
        bail!("somebody changed the URL of webhook {id} meanwhile: check it with jwhook show {id}");
    }
    Ok(())
}
