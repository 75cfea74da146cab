//! A rotation's steps. Each is safe to be the last one for a long time: no event is refused, and the
//! next run finds what is left to do.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::{StatusCode, Url};
use serde::Serialize;

use super::state::{Found, is_twin};
use crate::context::Context;
use crate::creation;
use crate::held_keys::{self, DropHeld};
use crate::jw::Problem;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, UnownedKey};
use crate::output::note;
use crate::parked;
use crate::progress;

/// How long a run that is under way takes from JW's answer to a key that is stored.
const STORING: Duration = Duration::from_secs(5);

/// One thing that is done, or waited for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The secret, one key by itself, becomes a key ring.
    MakeRing,
    /// A replacement whose key was lost goes.
    DeleteOrphan { webhook_id: String },
    /// The replacement is made where nobody listens, its key put into the ring.
    CreateParked,
    /// No warm function refuses the new key any more.
    Settle { seconds: u64 },
    /// The replacement is made to call the endpoint.
    Activate,
    /// Both are there until JW surely sends to the new one.
    Overlap { seconds: u64 },
    /// The old webhook goes.
    DeleteOld,
    /// What JW sent for the old webhook comes in.
    Grace { seconds: u64 },
    /// No held event needs the old key any more.
    AwaitHeld,
    /// Held events are given up.
    DropHeld,
    /// The old key goes.
    RemoveKey,
}

impl Step {
    fn seconds(&self) -> Option<u64> {
        match self {
            Step::Settle { seconds } | Step::Overlap { seconds } | Step::Grace { seconds } => {
                Some(*seconds)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::MakeRing => write!(f, "make the secret, one key by itself, a key ring"),
            Step::DeleteOrphan { webhook_id } => {
                write!(
                    f,
                    "delete webhook {webhook_id}, made by a run that was interrupted before it \
                           had stored the key"
                )
            }
            Step::CreateParked => {
                write!(
                    f,
                    "create the new webhook, parked where no event is sent to, its key into the \
                           ring"
                )
            }
            Step::Settle { seconds } => {
                write!(f, "wait until every warm function accepts the new key ({seconds} s)")
            }
            Step::Activate => write!(f, "make the new webhook call the endpoint"),
            Step::Overlap { seconds } => {
                write!(f, "wait until JW sends each event to the new webhook too ({seconds} s)")
            }
            Step::DeleteOld => write!(f, "delete the old webhook"),
            Step::Grace { seconds } => {
                write!(f, "wait for late deliveries of the old webhook ({seconds} s)")
            }
            Step::AwaitHeld => {
                write!(f, "wait until no event is held: one may need the old webhook's key")
            }
            Step::DropHeld => write!(f, "give up the held events that need the old webhook's key"),
            Step::RemoveKey => write!(f, "take the old webhook's key out of the ring"),
        }
    }
}

/// How long the waits are, and whether held events are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    pub settle: Duration,
    pub overlap: Duration,
    pub grace: Duration,
    pub held: DropHeld,
}

/// What is left to do. `current_for` is for how long the ring has been as it is.
pub fn left(found: &Found, current_for: Duration, waits: Waits) -> Vec<Step> {
    let orphan = |webhook: &Webhook| Step::DeleteOrphan { webhook_id: webhook.id.clone() };
    let settle = |settle: Duration| Step::Settle { seconds: whole_seconds(settle) };
    let mut steps = Vec::new();
    match found {
        Found::Begin { single_key, orphans, .. } => {
            steps.extend(single_key.then_some(Step::MakeRing));
            steps.extend(orphans.iter().map(orphan));
            steps.extend([Step::CreateParked, settle(waits.settle), Step::Activate]);
        }
        Found::Parked { orphans, .. } => {
            steps.extend(orphans.iter().map(orphan));
            // from the last change of the secret: the new key may have been there for longer
            steps.extend([settle(waits.settle.saturating_sub(current_for)), Step::Activate]);
        }
        Found::Live { .. } | Found::Gone { .. } => {}
    }
    let overlap = Step::Overlap { seconds: whole_seconds(waits.overlap) };
    match found {
        Found::Gone { .. } | Found::Parked { old: None, .. } => {}
        _ => steps.extend([overlap, Step::DeleteOld]),
    }
    let held = if waits.held.drop_held { Step::DropHeld } else { Step::AwaitHeld };
    steps.extend([Step::Grace { seconds: whole_seconds(waits.grace) }, held, Step::RemoveKey]);
    steps.retain(|step| step.seconds() != Some(0));
    steps
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A rotation under way.
pub struct Rotation<'c> {
    pub context: &'c Context,
    pub old_id: &'c str,
    pub parked_at: &'c Url,
    /// How long to wait after the key was stored.
    pub settle: Duration,
    pub old: Option<Webhook>,
    pub new: Option<Webhook>,
}

impl Rotation<'_> {
    pub async fn perform(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::MakeRing => self.context.make_ring_of(self.old_id).await?,
            Step::DeleteOrphan { webhook_id } => self.delete_orphan(webhook_id).await?,
            Step::CreateParked => self.create_parked().await?,
            Step::Settle { seconds } => self.settle(Duration::from_secs(*seconds)).await?,
            Step::Activate => self.activate().await?,
            Step::Overlap { seconds } => {
                wait(*seconds, "waiting until JW sends to the new webhook too").await;
            }
            Step::DeleteOld => self.delete_old().await?,
            Step::Grace { seconds } => {
                wait(*seconds, "waiting for late deliveries of the old webhook").await;
            }
            Step::AwaitHeld => held_keys::wait(self.context).await?,
            Step::DropHeld => held_keys::tell_dropped(self.context).await?,
            Step::RemoveKey => self.context.remove_key(self.old_id).await?,
        }
        Ok(())
    }

    /// Deletes a webhook whose key was lost, unless it is another run's that has stored the key meanwhile.
    async fn delete_orphan(&self, id: &str) -> Result<()> {
        let jw = self.context.jw().await?;
        wait(STORING.as_secs(), "waiting whether another run stores the key of the webhook").await;
        let Some(orphan) = jw.find(id).await? else { return Ok(()) };
        let has_key = self.context.keys().await?.read().await?.status(id).is_entry();
        if has_key || parked::replaces(&orphan).as_deref() != Some(self.old_id) {
            bail!(
                "webhook {id} is in use by now, perhaps by another jwhook rotate {}: nothing was \
                 deleted",
                self.old_id
            );
        }
        Ok(jw.delete(id).await?)
    }

    async fn create_parked(&mut self) -> Result<()> {
        let old = self.old.as_ref().context("there is no webhook to make another one of")?;
        let url = self.parked_at;
        let created =
            creation::create_parked(self.context, &old.metadata, url, UnownedKey::Kept).await;
        let created = created.map_err(|problem| match problem.downcast_ref::<Problem>() {
            Some(Problem::Refused {
                status: StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY,
                ..
            }) => problem.context(format!(
                "if it is the URL {url} that JW doesn't take, give another one with \
                     --parking-url"
            )),
            _ => problem,
        })?;
        note(&format!("      webhook {} was created, and its key is in the ring", created.id));
        self.new = Some(created);
        Ok(())
    }

    /// Waits so long, or longer if the secret was changed while somebody answered the question.
    async fn settle(&self, planned: Duration) -> Result<()> {
        let left = self.settle.saturating_sub(self.context.keys().await?.current_for().await);
        progress::wait(planned.max(left), "waiting until every warm function accepts the new key")
            .await;
        Ok(())
    }

    /// Makes the new webhook what the old one is now: it may have been changed during the wait.
    async fn activate(&mut self) -> Result<()> {
        let new = self.new.clone().context("there is no webhook to make live")?;
        let jw = self.context.jw().await?;
        let endpoint = &self.context.stack().await?.endpoint()?;
        self.check_key(&new.id).await?;
        let metadata = match jw.find(self.old_id).await? {
            Some(old) if old.calls(endpoint) => old.metadata,
            Some(_) => bail!(
                "webhook {} was made to call another URL meanwhile: delete its replacement with \
                 jwhook delete {}, unless that was a mistake",
                self.old_id,
                new.id
            ),
            None => {
                let mut metadata = new.metadata.clone();
                metadata.insert("webhook_url".into(), endpoint.url().into());
                metadata
            }
        };
        self.new = Some(jw.update(&new.id, &metadata).await?);
        Ok(())
    }

    /// Deletes the old webhook, if the new one surely does its work.
    async fn delete_old(&mut self) -> Result<()> {
        let id =
            self.new.as_ref().context("there is no webhook in the old one's place")?.id.clone();
        let jw = self.context.jw().await?;
        let endpoint = &self.context.stack().await?.endpoint()?;
        let Some(new) = jw.find(&id).await? else {
            bail!("webhook {id}, the replacement, was deleted meanwhile");
        };
        if !new.calls(endpoint) {
            bail!("webhook {id}, the replacement, doesn't call {endpoint} any more");
        }
        match jw.find(self.old_id).await? {
            Some(old) if !old.calls(endpoint) || !is_twin(&new, &old) => self.activate().await?,
            _ => self.check_key(&id).await?,
        }
        Ok(jw.delete(self.old_id).await?)
    }

    async fn check_key(&self, id: &str) -> Result<()> {
        match self.context.keys().await?.read().await?.status(id) {
            KeyStatus::InRing => Ok(()),
            _ => bail!("the key of webhook {id}, the replacement, is in the ring no more"),
        }
    }
}

async fn wait(seconds: u64, what: &str) {
    progress::wait(Duration::from_secs(seconds), what).await;
}
