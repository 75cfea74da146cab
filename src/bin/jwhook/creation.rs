//! Creating a webhook into the key ring: JW shows its secret once, so either both are there in the
//! end or neither is.

use anyhow::{Error, Result, anyhow};

use crate::context::Context;
use crate::jw::webhook::{Created, Webhook};
use crate::jw::{Jw, Metadata, Problem};

/// Creates a webhook and puts its key into the ring. Where the key can't be kept, the webhook is
/// deleted again.
pub async fn create(context: &Context, metadata: &Metadata) -> Result<Webhook> {
    let jw = context.jw().await?;
    // what can't be read or written is found out before there is a webhook
    context.keys().await?.read().await?;
    let before = jw.list().await?;
    let created = match jw.create(metadata).await {
        Ok(created) => created,
        Err(problem @ (Problem::NoAnswer { .. } | Problem::Unreadable { .. })) => {
            return Err(take_back_unseen(jw, &before, metadata, problem).await);
        }
        Err(problem) => return Err(problem.into()),
    };
    match keep_key(context, &created).await {
        Ok(()) => Ok(created.webhook),
        Err(problem) => Err(take_back(jw, &created.webhook.id, problem).await),
    }
}

async fn keep_key(context: &Context, created: &Created) -> Result<()> {
    let id = &created.webhook.id;
    context
        .edit_keys(|ring| {
            ring.insert(id, &created.secret)
                .map_err(|unusable| anyhow!("JW returned a secret that can't be used: {unusable}"))
        })
        .await?;
    Ok(())
}

/// Deletes a webhook whose key couldn't be kept, and says what came of it.
async fn take_back(jw: &Jw, id: &str, problem: Error) -> Error {
    match jw.delete(id).await {
        Ok(()) => problem.context(format!(
            "webhook {id} was created, but its key couldn't be stored; it was deleted again, so \
             nothing has changed"
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
    before: &[Webhook],
    metadata: &Metadata,
    problem: Problem,
) -> Error {
    let is_new = |webhook: &Webhook| before.iter().all(|known| known.id != webhook.id);
    let is_ours = |webhook: &Webhook| {
        ["name", "webhook_url"].iter().all(|&m| webhook.metadata.get(m) == metadata.get(m))
    };
    let after = match jw.list().await {
        Ok(after) => after,
        Err(unlisted) => {
            return Error::new(problem).context(format!(
                "the webhook may have been created, its key is lost, and JW's list couldn't be had \
                 ({unlisted}): look with jwhook list, and delete the new one, which has no key"
            ));
        }
    };
    let Some(unseen) = after.iter().find(|webhook| is_new(webhook) && is_ours(webhook)) else {
        return Error::new(problem).context("the webhook wasn't created: nothing has changed");
    };
    take_back(jw, &unseen.id, problem.into()).await
}
