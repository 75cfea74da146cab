//! Creating a webhook into the key ring.
//!
//! JW shows a webhook's secret once, so either both are there in the end, the webhook and its key, or
//! neither is. And no function refuses the webhook's events: it is parked until each has its key.

use anyhow::{Error, Result, anyhow, bail};
use jw_webhook_forwarder::key_ring::edit::EditableRing;
use reqwest::Url;

use crate::context::{Context, owner_of_single_key};
use crate::endpoint::is_same;
use crate::interrupt::whole;
use crate::jw::webhook::{Created, Webhook};
use crate::jw::{Jw, Metadata, Problem};
use crate::keys::{KeyStatus, Keys, UnownedKey};

/// What becomes of a secret that is one key by itself, where none of these webhooks calls the stack.
/// The key may be in use all the same: by a webhook that calls another name of the endpoint, or is of
/// another account.
pub async fn loss(context: &Context, keys: &Keys, webhooks: &[Webhook]) -> Result<Option<String>> {
    let url = &context.stack().await?.endpoint()?;
    let is_lost = keys.is_single() && owner_of_single_key(webhooks, url)?.is_none();
    Ok(is_lost.then(|| {
        format!(
            "The secret is one key by itself, and none of JW's webhooks in this account calls {url}: \
             jwhook finds no owner of this key and replaces it with the new webhook's key. The old \
             key is lost."
        )
    }))
}

/// Creates a webhook that calls this URL, which no other run gives, and puts its key into the ring.
/// Where the key can't be kept, the webhook is deleted again.
pub async fn create_parked(
    context: &Context,
    metadata: &Metadata,
    parked_at: &Url,
    unowned: UnownedKey,
) -> Result<Webhook> {
    // what can't be read or changed is found out before there is a webhook
    if context.keys().await?.read_to_change().await?.is_single() {
        let webhooks = context.jw().await?.list().await?;
        owner_of_single_key(&webhooks, &context.stack().await?.endpoint()?)?;
    }
    let mut metadata = metadata.clone();
    metadata.insert("webhook_url".into(), parked_at.as_str().into());
    whole(create_and_keep(context, &metadata, parked_at, unowned)).await
}

/// Makes a parked webhook call the endpoint, with this metadata.
pub async fn activate(context: &Context, parked: &Webhook, metadata: &Metadata) -> Result<Webhook> {
    let (id, jw) = (&parked.id, context.jw().await?);
    if context.keys().await?.read().await?.status(id) != KeyStatus::InRing {
        bail!(
            "the key of webhook {id}, which is parked, was taken out of the ring meanwhile: delete \
             the webhook with jwhook delete {id}, then create it again"
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
        Some(webhook) if webhook.calls(endpoint) => Ok(webhook), // another run goes on with it too
        Some(webhook) => bail!(
            "webhook {id} was made to call {} meanwhile: look at it with jwhook show {id}",
            webhook.url().unwrap_or("no URL")
        ),
        None => bail!("webhook {id}, which was parked, was deleted meanwhile"),
    }
}

async fn create_and_keep(
    context: &Context,
    metadata: &Metadata,
    parked_at: &Url,
    unowned: UnownedKey,
) -> Result<Webhook> {
    let jw = context.jw().await?;
    let created = match jw.create(metadata).await {
        Ok(created) => created,
        Err(problem) if problem.may_be_done() => {
            return Err(take_back_unseen(jw, parked_at, problem).await);
        }
        Err(problem) => return Err(problem.into()),
    };
    match keep_key(context, &created, unowned).await {
        Ok(()) => Ok(created.webhook),
        Err(problem) => Err(take_back(jw, &created.webhook.id, problem).await),
    }
}

async fn keep_key(context: &Context, created: &Created, unowned: UnownedKey) -> Result<()> {
    let insert = |ring: &mut EditableRing| {
        ring.insert(&created.webhook.id, &created.secret)
            .map_err(|unusable| anyhow!("JW returned a secret that can't be used: {unusable}"))
    };
    context.edit_keys(unowned, insert).await.map(|_| ())
}

/// Deletes a webhook whose key couldn't be kept, and says what came of it.
async fn take_back(jw: &Jw, id: &str, problem: Error) -> Error {
    match jw.delete(id).await {
        Ok(()) => problem.context(format!(
            "webhook {id} was created, but its key couldn't be stored, so it was deleted again"
        )),
        Err(undeleted) => problem.context(format!(
            "webhook {id} was created, its key couldn't be stored and is lost, and it couldn't be \
             deleted again ({undeleted}): it calls nobody; delete it with jwhook delete {id}"
        )),
    }
}

/// Deletes the webhook that JW may have created without our hearing of it. Its URL proves that this run
/// made it: no other run gives the same one.
async fn take_back_unseen(jw: &Jw, parked_at: &Url, problem: Problem) -> Error {
    let webhooks = match jw.list().await {
        Ok(webhooks) => webhooks,
        Err(unknown) => {
            return Error::new(problem).context(format!(
                "the webhook may have been created, its key is lost, and what JW has couldn't be \
                 found out ({unknown}): look with jwhook list, and delete the new one, whose key is \
                 missing"
            ));
        }
    };
    match webhooks.iter().find(|one| one.url().is_some_and(|url| is_same(url, parked_at.as_str()))) {
        Some(unseen) => take_back(jw, &unseen.id, problem.into()).await,
        None => Error::new(problem).context(
            "JW doesn't list the webhook, so it wasn't created, unless JW is slow: look with jwhook \
             list before you try again",
        ),
    }
}

/// What to say of a webhook that was created, if the command ends before the webhook calls the
/// endpoint.
pub fn is_parked(id: &str) -> String {
    format!(
        "webhook {id} is parked where no event is sent to, and its key is in the ring; the same \
         command goes on from there"
    )
}
