//! Creating a webhook into the key ring: JW shows its secret once, so either both are there in the
//! end or neither is.

use anyhow::{Error, Result, anyhow};
use serde_json::Value;

use crate::context::{Context, owner_of_single_key};
use crate::interrupt::whole;
use crate::jw::webhook::{Created, Webhook};
use crate::jw::{Jw, Metadata, Problem};
use crate::keys::{KeyStore, Keys};

/// Creates a webhook and puts its key into the ring. Where the key can't be kept, the webhook is
/// deleted again.
pub async fn create(context: &Context, metadata: &Metadata) -> Result<Webhook> {
    let before = context.jw().await?.list().await?;
    create_beside(context, &before, metadata).await
}

/// What becomes of a secret that is one key by itself, where none of these webhooks calls the stack.
/// The key may be in use all the same: by a webhook that calls another name of the endpoint, or is of
/// another account.
pub async fn loss(context: &Context, keys: &Keys, webhooks: &[Webhook]) -> Result<Option<String>> {
    let url = context.stack().await?.webhook_url()?;
    let is_lost = keys.is_single() && owner_of_single_key(webhooks, url)?.is_none();
    Ok(is_lost.then(|| {
        format!(
            "The secret is one key by itself, and none of JW's webhooks in this account calls {url}: \
             the key is taken for nobody's, and the new webhook's takes its place."
        )
    }))
}

/// The same, beside these webhooks, which are all that the account has.
pub async fn create_beside(
    context: &Context,
    before: &[Webhook],
    metadata: &Metadata,
) -> Result<Webhook> {
    let jw = context.jw().await?;
    let store = context.keys().await?;
    // what can't be read or changed is found out before there is a webhook
    let keys = store.read_to_change().await?;
    let owner = match keys.is_single() {
        true => owner_of_single_key(before, context.stack().await?.webhook_url()?)?,
        false => None,
    };
    whole(create_and_keep(jw, &store, owner, before, metadata)).await
}

async fn create_and_keep(
    jw: &Jw,
    store: &KeyStore,
    owner: Option<String>,
    before: &[Webhook],
    metadata: &Metadata,
) -> Result<Webhook> {
    let created = match jw.create(metadata).await {
        Ok(created) => created,
        Err(problem) if problem.may_be_done() => {
            return Err(take_back_unseen(jw, store, before, metadata, problem).await);
        }
        Err(problem) => return Err(problem.into()),
    };
    match keep_key(store, owner, &created).await {
        Ok(()) => Ok(created.webhook),
        Err(problem) => Err(take_back(jw, &created.webhook.id, problem).await),
    }
}

async fn keep_key(store: &KeyStore, owner: Option<String>, created: &Created) -> Result<()> {
    let id = &created.webhook.id;
    store
        .edit(
            async || Ok(owner.clone()),
            |ring| {
                ring.insert(id, &created.secret).map_err(|unusable| {
                    anyhow!("JW returned a secret that can't be used: {unusable}")
                })
            },
        )
        .await?;
    Ok(())
}

/// Deletes a webhook whose key couldn't be kept, and says what came of it.
async fn take_back(jw: &Jw, id: &str, problem: Error) -> Error {
    match jw.delete(id).await {
        Ok(()) => problem.context(format!(
            "webhook {id} was created, but its key couldn't be stored, so it was deleted again"
        )),
        Err(undeleted) => problem.context(format!(
            "webhook {id} was created, its key couldn't be stored and is lost, and it couldn't be \
             deleted again ({undeleted}): every event that it sends is refused until you delete it, \
             with jwhook delete {id}"
        )),
    }
}

/// Deletes the webhook that JW may have created without our hearing of it.
async fn take_back_unseen(
    jw: &Jw,
    store: &KeyStore,
    before: &[Webhook],
    metadata: &Metadata,
    problem: Problem,
) -> Error {
    // in this order: whoever made the same at the same time has stored its key by then
    let after = async { anyhow::Ok((jw.list().await?, store.read().await?)) };
    let (after, keys) = match after.await {
        Ok(after) => after,
        Err(unknown) => {
            return Error::new(problem).context(format!(
                "the webhook may have been created, its key is lost, and what JW has couldn't be \
                 found out ({unknown:#}): look with jwhook list, and delete the new one, whose key \
                 is missing"
            ));
        }
    };
    let is_new = |webhook: &Webhook| before.iter().all(|known| known.id != webhook.id);
    let is_keyless = |webhook: &Webhook| !keys.status(&webhook.id).is_entry();
    let text = |member| metadata.get(member).and_then(Value::as_str).unwrap_or_default();
    let is_ours = |webhook: &Webhook| {
        webhook.name().unwrap_or_default() == text("name") && webhook.calls(text("webhook_url"))
    };
    let unseen: Vec<&Webhook> = after
        .iter()
        .filter(|webhook| is_new(webhook) && is_ours(webhook) && is_keyless(webhook))
        .collect();
    match unseen.as_slice() {
        [] => Error::new(problem).context(
            "JW doesn't list the webhook, so it wasn't created, unless JW is slow: look with jwhook \
             list before you try again",
        ),
        [unseen] => take_back(jw, &unseen.id, problem.into()).await,
        several => {
            let ids: Vec<&str> = several.iter().map(|webhook| webhook.id.as_str()).collect();
            Error::new(problem).context(format!(
                "the webhook was created and its key is lost, but which of {} it is can't be told: \
                 look with jwhook list, and delete those whose key is missing",
                ids.join(", ")
            ))
        }
    }
}
