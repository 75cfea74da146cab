//! Deletes a webhook, and then its key. The key comes last, because JW sends events until the webhook
//! is deleted, and the function needs the key for them.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::context::{Context, owner_of_single_key};
use crate::held_keys::{self, DropHeld};
use crate::interrupt;
use crate::jw::webhook::{Webhook, parse_id};
use crate::keys::Keys;
use crate::output::note;
use crate::standing::{Ours, named};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Delete a webhook, then remove its key from the ring

The command shows the webhook and asks first, because JW can restore neither the webhook nor its secret. \
If events are held, the command waits before it changes anything, because a held event may need the key \
(--drop-held skips the wait). If the command is interrupted, run it again to continue. To replace a \
webhook without losing an event, use jwhook rotate.";

#[derive(Debug, Args)]
pub struct Arguments {
    /// The webhook's id (jwhook list)
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
    #[command(flatten)]
    held: DropHeld,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let id = arguments.id.as_str();
    let keys = context.keys().await?.read_to_change().await?;
    let jw = context.jw().await?;
    let found = jw.find(id).await?;
    let has_key = keys.status(id).is_entry() || is_single_key_of(context, &keys, &found).await?;
    match &found {
        Some(webhook) => ask(context, webhook, has_key).await?,
        None if has_key => context.answers().confirm(&format!(
            "JW has no webhook {id} in the account of this API secret. Remove its key from the ring?"
        ))?,
        None => bail!(
            "webhook {id} does not exist: JW has no webhook with this id, and {}; jwhook list \
             shows the webhooks",
            match keys.is_single() {
                true => "the secret is a single key, which does not name its webhook",
                false => "the ring has no key for this id",
            }
        ),
    }
    let deletion =
        Deletion { context, id, is_there: found.is_some(), has_key, held: arguments.held };
    tokio::select! {
        biased;
        done = deletion.perform(&keys) => done?,
        () = interrupt::requested() => bail!(
            "interrupted; no event is lost; run jwhook delete {id} to continue"
        ),
    }
    let result = json!({ "id": id, "deleted": found.is_some(), "key_removed": has_key });
    context.format().result(&result, || match (found.is_some(), has_key) {
        (true, true) => format!("webhook {id} is deleted, and its key is removed from the ring"),
        (true, false) => format!("webhook {id} is deleted"),
        (false, _) => format!("the key of webhook {id} is removed from the ring"),
    })?;
    Ok(Verdict::Good)
}

/// What to delete: the webhook, if JW has it, and its key, if the secret has it.
struct Deletion<'c> {
    context: &'c Context,
    id: &'c str,
    is_there: bool,
    has_key: bool,
    held: DropHeld,
}

impl Deletion<'_> {
    async fn perform(&self, keys: &Keys) -> Result<()> {
        let &Self { context, id, is_there, has_key, held } = self;
        if has_key {
            held_keys::before_removal(context, held).await?;
        }
        if is_there {
            if keys.is_single() && has_key {
                // after the deletion nobody could tell which webhook a single key belongs to
                context.make_ring_of(id).await?;
            }
            context.jw().await?.delete(id).await?;
        }
        if has_key {
            self.remove_key().await.with_context(|| {
                format!(
                    "webhook {id} is deleted at JW, but its key is still in the ring; run the same \
                     command again to continue"
                )
            })?;
        } else if keys.is_single() {
            note("the secret is a single key, which was not changed");
        }
        Ok(())
    }

    async fn remove_key(&self) -> Result<()> {
        if self.is_there {
            held_keys::after_deletion(self.context, self.held).await?;
        }
        self.context.remove_key(self.id).await
    }
}

/// Whether the secret is a single key that can belong only to this webhook.
async fn is_single_key_of(context: &Context, keys: &Keys, found: &Option<Webhook>) -> Result<bool> {
    let (true, Some(webhook)) = (keys.is_single(), found) else { return Ok(false) };
    let Ok(endpoint) = &context.stack().await?.endpoint() else { return Ok(false) };
    if !webhook.calls(endpoint) {
        return Ok(false);
    }
    let webhooks = context.jw().await?.list().await?;
    Ok(owner_of_single_key(&webhooks, endpoint)
        .is_ok_and(|owner| owner.as_ref() == Some(&webhook.id)))
}

async fn ask(context: &Context, webhook: &Webhook, has_key: bool) -> Result<()> {
    let ours = Ours::read(context).await?;
    let standing = ours.standing(webhook);
    note(&standing.text());
    let named = named(webhook);
    let question = match (standing.calls_this_stack, has_key) {
        (Some(false), true) => format!(
            "Webhook {named} calls a URL that is not this stack's. Delete the webhook, and remove \
             its key from the ring?"
        ),
        (_, true) => format!("Delete webhook {named}, and remove its key from the ring?"),
        (Some(true) | None, false) => {
            format!("Delete webhook {named}? Its key is not in the ring.")
        }
        (Some(false), false) => format!(
            "Webhook {named} does not belong to this stack: it calls another URL, and its key is \
             not in the ring. Delete the webhook all the same?"
        ),
    };
    context.answers().confirm(&question)
}
