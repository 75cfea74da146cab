//! Finds out which steps of a rotation are done. Reads only JW's webhooks and the key ring, because
//! jwhook stores no state of its own.

use anyhow::{Result, bail};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::jw::webhook::Webhook;
use crate::keys::KeyStatus;
use crate::parked;

/// The state of a rotation.
#[derive(Debug)]
pub enum Found {
    /// There is an old webhook but no replacement. Interrupted runs created the webhooks in `orphans`
    /// and lost their keys.
    Begin { old: Webhook, single_key: bool, orphans: Vec<Webhook> },
    /// There is a parked replacement, and its key is in the ring. If `old` is `None`, somebody has
    /// deleted the old webhook.
    Parked { old: Option<Webhook>, new: Webhook, orphans: Vec<Webhook> },
    /// The old webhook and its replacement both call the stack.
    Live { old: Webhook, new: Webhook },
    /// The old webhook is deleted, but its key is still in the ring. The webhooks in `heirs` call the
    /// stack and have keys.
    Gone { heirs: Vec<Webhook> },
}

impl Found {
    /// The old webhook and its replacement, if they exist.
    pub fn old_and_new(self) -> (Option<Webhook>, Option<Webhook>) {
        match self {
            Self::Begin { old, .. } => (Some(old), None),
            Self::Parked { old, new, .. } => (old, Some(new)),
            Self::Live { old, new } => (Some(old), Some(new)),
            // if there are several heirs, the replacement is unknown
            Self::Gone { heirs } => (None, <[Webhook; 1]>::try_from(heirs).ok().map(|[heir]| heir)),
        }
    }
}

/// Reads the state of this webhook's rotation.
pub async fn look(context: &Context, id: &str) -> Result<Found> {
    let endpoint = &context.stack().await?.endpoint()?;
    let jw = context.jw().await?;
    let keys = context.keys().await?.read().await?;
    let old = jw.find(id).await?;
    let others: Vec<Webhook> =
        jw.list().await?.into_iter().filter(|webhook| webhook.id != id).collect();
    judge(id, old, others, endpoint, |id| keys.status(id))
}

pub fn judge(
    id: &str,
    old: Option<Webhook>,
    others: Vec<Webhook>,
    endpoint: &Endpoint,
    key: impl Fn(&str) -> KeyStatus,
) -> Result<Found> {
    let has_key = |webhook: &Webhook| key(&webhook.id) == KeyStatus::InRing;
    if let Some(old) = &old {
        check_url(old, endpoint)?;
    }
    let is_parked = |webhook: &Webhook| {
        parked::replaces(webhook).as_deref() == Some(id) && !webhook.calls(endpoint)
    };
    let (parked, orphans): (Vec<Webhook>, Vec<Webhook>) =
        others.iter().filter(|webhook| is_parked(webhook)).cloned().partition(has_key);
    if let Some(new) = the_only(id, parked)? {
        return Ok(Found::Parked { old, new, orphans });
    }
    let live = others.into_iter().filter(|other| other.calls(endpoint) && has_key(other));
    let Some(old) = old else {
        let heirs: Vec<Webhook> = live.collect();
        return match key(id) {
            KeyStatus::Missing | KeyStatus::SingleKey => bail!(
                "JW has no webhook {id}, and the ring has no key for it: either the rotation is \
                 finished, or the id is wrong (jwhook list)"
            ),
            _ if heirs.is_empty() => bail!(
                "webhook {id} was deleted at JW without a replacement: no webhook that calls \
                 {endpoint} has a key in the ring. Create a new webhook with jwhook create, then \
                 remove the key of {id} with jwhook delete {id}"
            ),
            _ => Ok(Found::Gone { heirs }),
        };
    };
    match the_only(id, live.filter(|other| is_twin(other, &old)).collect())? {
        Some(new) => Ok(Found::Live { old, new }),
        None => {
            check_key(id, key(id))?;
            let single_key = key(id) == KeyStatus::SingleKey;
            Ok(Found::Begin { old, single_key, orphans })
        }
    }
}

fn check_url(old: &Webhook, endpoint: &Endpoint) -> Result<()> {
    let id = &old.id;
    if let Some(replaced) = parked::replaces(old)
        && !old.calls(endpoint)
    {
        bail!(
            "webhook {id} is the replacement of {replaced}; run jwhook rotate {replaced} instead"
        );
    }
    if !old.calls(endpoint) {
        bail!(
            "webhook {id} calls {}, but this stack's endpoint is {endpoint}: give the stack that the \
             webhook belongs to (--stack)",
            old.url().unwrap_or("no URL")
        );
    }
    Ok(())
}

fn check_key(id: &str, key: KeyStatus) -> Result<()> {
    match key {
        KeyStatus::InRing | KeyStatus::SingleKey => Ok(()),
        KeyStatus::Unusable | KeyStatus::Missing => bail!(
            "the ring has no usable key for webhook {id}, so the function accepts none of its events, \
             and there is nothing to rotate. If you have the webhook's secret, put the secret into the \
             ring. Otherwise create a new webhook with jwhook create, then run jwhook delete {id}"
        ),
    }
}

/// Returns the only possible replacement. Fails if there are several, because a person has to choose.
fn the_only(id: &str, mut found: Vec<Webhook>) -> Result<Option<Webhook>> {
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|webhook| webhook.id.as_str()).collect();
        bail!(
            "webhooks {} could each be the replacement of {id}: keep one, delete the others with \
             jwhook delete, then try again",
            ids.join(", ")
        );
    }
    Ok(found.pop())
}

/// Whether `new` has the name, the description, the events and the sites of `old`, and is not older.
pub fn is_twin(new: &Webhook, old: &Webhook) -> bool {
    let created = |webhook: &Webhook| {
        webhook.created().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
    };
    let is_older = created(new).zip(created(old)).is_some_and(|(new, old)| new < old);
    let description = |webhook: &Webhook| webhook.description().unwrap_or_default().to_owned();
    !is_older
        && new.name() == old.name()
        && description(new) == description(old)
        && new.sends_the_same(old)
}

#[cfg(test)]
mod tests;
