//! Creates a webhook and stores its key in the ring.
//!
//! JW shows a webhook's secret only once, so at the end either the webhook and its key both exist, or
//! neither does. The webhook is parked until every warm function has its key, so no function refuses
//! its events.

use anyhow::{Error, Result, anyhow, bail};
use jw_webhook_forwarder::key_ring::edit::EditableRing;
use reqwest::Url;

use crate::context::{Context, owner_of_single_key};
use crate::endpoint::is_same;
use crate::interrupt::uninterrupted;
use crate::jw::webhook::{Created, Webhook};
use crate::jw::{Jw, Metadata, Problem};
use crate::keys::{KeyStatus, Keys, UnownedKey};

/// If the secret is a single key and none of these webhooks calls the stack, returns a warning that the
/// key would be lost. The key may still be in use: its webhook may call another name of the endpoint,
/// or may be in another account.
pub async fn loss(context: &Context, keys: &Keys, webhooks: &[Webhook]) -> Result<Option<String>> {
    let url = &context.stack().await?.endpoint()?;
    let is_lost = keys.is_single() && owner_of_single_key(webhooks, url)?.is_none();
    Ok(is_lost.then(|| {
        format!(
            "The secret is a single key, and no webhook in this JW account calls {url}. So jwhook \
             cannot tell which webhook the key belongs to, and replaces the key with the new \
             webhook's key. The old key is lost."
        )
    }))
}

/// Creates a parked webhook and stores its key in the ring. `parked_at` is unique to this run. If the
/// key cannot be stored, deletes the webhook again.
pub async fn create_parked(
    context: &Context,
    metadata: &Metadata,
    parked_at: &Url,
    unowned: UnownedKey,
) -> Result<Webhook> {
    // if the ring cannot be read or changed, fail before the webhook exists
    if context.keys().await?.read_to_change().await?.is_single() {
        let webhooks = context.jw().await?.list().await?;
        owner_of_single_key(&webhooks, &context.stack().await?.endpoint()?)?;
    }
    let mut metadata = metadata.clone();
    metadata.insert("webhook_url".into(), parked_at.as_str().into());
    uninterrupted(create_and_store(context, &metadata, parked_at, unowned)).await
}

/// Makes a parked webhook call the endpoint, with this metadata.
pub async fn activate(context: &Context, parked: &Webhook, metadata: &Metadata) -> Result<Webhook> {
    let (id, jw) = (&parked.id, context.jw().await?);
    if context.keys().await?.read().await?.status(id) != KeyStatus::InRing {
        bail!(
            "the key of parked webhook {id} was removed from the ring meanwhile: delete the webhook \
             with jwhook delete {id}, then create it again"
        );
    }
    let is_parked = |webhook: &Webhook| {
        parked.url().zip(webhook.url()).is_some_and(|(at, url)| is_same(at, url))
    };
    let endpoint = &context.stack().await?.endpoint()?;
    match jw.find(id).await? {
        Some(webhook) if is_parked(&webhook) => match jw.update(id, metadata).await {
            Err(problem) if problem.may_be_done() => match jw.find(id).await? {
                Some(webhook) if webhook.calls(endpoint) => Ok(webhook),
                _ => Err(problem.into()),
            },
            updated => Ok(updated?),
        },
        Some(webhook) if webhook.calls(endpoint) => Ok(webhook), // another run has activated it
        Some(webhook) => bail!(
            "somebody changed the URL of webhook {id} to {} meanwhile: look at the webhook with \
             jwhook show {id}",
            webhook.url().unwrap_or("no URL")
        ),
        None => bail!("somebody deleted parked webhook {id} meanwhile: create the webhook again"),
    }
}

async fn create_and_store(
    context: &Context,
    metadata: &Metadata,
    parked_at: &Url,
    unowned: UnownedKey,
) -> Result<Webhook> {
    let jw = context.jw().await?;
    let created = match jw.create(metadata).await {
        Ok(created) => created,
        Err(problem) if problem.may_be_done() => {
            return Err(roll_back_unseen(jw, parked_at, problem).await);
        }
        Err(problem) => return Err(problem.into()),
    };
    match store_key(context, &created, unowned).await {
        Ok(()) => Ok(created.webhook),
        Err(problem) => Err(roll_back(jw, &created.webhook.id, problem).await),
    }
}

async fn store_key(context: &Context, created: &Created, unowned: UnownedKey) -> Result<()> {
    let insert = |ring: &mut EditableRing| {
        ring.insert(&created.webhook.id, &created.secret)
            .map_err(|unusable| anyhow!("JW returned an unusable secret: {unusable}"))
    };
    context.edit_keys(unowned, insert).await.map(|_| ())
}

/// Deletes a webhook whose key could not be stored.
async fn roll_back(jw: &Jw, id: &str, problem: Error) -> Error {
    match jw.delete(id).await {
        Ok(()) => problem.context(format!(
            "webhook {id} was created and deleted again, because its key could not be stored"
        )),
        Err(undeleted) => problem.context(format!(
            "webhook {id} was created, but its key could not be stored and is lost, and the \
             webhook could not be deleted again ({undeleted}). The webhook is parked and receives \
             no events: delete it with jwhook delete {id}"
        )),
    }
}

/// If JW created the webhook although its response did not arrive, deletes that webhook. Only this run
/// uses the webhook's URL, so another run's webhook is never deleted.
async fn roll_back_unseen(jw: &Jw, parked_at: &Url, problem: Problem) -> Error {
    let webhooks = match jw.list().await {
        Ok(webhooks) => webhooks,
        Err(unknown) => {
            return Error::new(problem).context(format!(
                "the webhook may have been created, but its key is lost, and JW's list of webhooks \
                 could not be read ({unknown}): run jwhook list, and delete the new webhook, whose key \
                 is missing"
            ));
        }
    };
    match webhooks.iter().find(|one| one.url().is_some_and(|url| is_same(url, parked_at.as_str())))
    {
        Some(unseen) => roll_back(jw, &unseen.id, problem.into()).await,
        None => Error::new(problem).context(
            "the new webhook is not in JW's list: either JW did not create the webhook, or the \
             list does not show it yet. Run jwhook list before you try again",
        ),
    }
}

/// The context of an error between the creation and the activation of a webhook.
pub fn parked_context(id: &str) -> String {
    format!(
        "webhook {id} is parked, so it receives no events, and its key is in the ring; run the same \
         command again to continue"
    )
}
