//! The steps of a rotation. A run may stop after any step, for any time: no event is refused, and the next
//! run continues.

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

/// How long another run may take to store a webhook's key after JW has created the webhook.
const STORING: Duration = Duration::from_secs(5);

/// One step: a change or a wait.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Turn the single key into a key ring.
    MakeRing,
    /// Delete a replacement whose key was lost.
    DeleteOrphan { webhook_id: String },
    /// Create the replacement with the parking URL, where nobody listens, and store its key.
    CreateParked,
    /// Wait until every warm function accepts the new key.
    Settle { seconds: u64 },
    /// Make the replacement call the endpoint.
    Activate,
    /// Wait until JW also uses the new webhook.
    Overlap { seconds: u64 },
    /// Delete the old webhook.
    DeleteOld,
    /// Wait for late deliveries of the old webhook.
    Grace { seconds: u64 },
    /// Wait until no held event can need the old key.
    AwaitHeld,
    /// Accept the loss of the held events that need the old key.
    DropHeld,
    /// Remove the old key.
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
            Step::MakeRing => write!(f, "turn the secret's single key into a key ring"),
            Step::DeleteOrphan { webhook_id } => {
                write!(
                    f,
                    "delete webhook {webhook_id}, which an interrupted run created without storing its \
                     key"
                )
            }
            Step::CreateParked => {
                write!(f, "create the new webhook, parked, and store its key in the ring")
            }
            Step::Settle { seconds } => {
                write!(f, "wait until every warm function accepts the new key ({seconds} s)")
            }
            Step::Activate => write!(f, "make the new webhook call the endpoint"),
            Step::Overlap { seconds } => {
                write!(
                    f,
                    "wait until JW sends each event through the new webhook too ({seconds} s)"
                )
            }
            Step::DeleteOld => write!(f, "delete the old webhook"),
            Step::Grace { seconds } => {
                write!(f, "wait for late deliveries of the old webhook ({seconds} s)")
            }
            Step::AwaitHeld => {
                write!(
                    f,
                    "wait until no event is held: a held event may need the old webhook's key"
                )
            }
            Step::DropHeld => write!(f, "lose the held events that need the old webhook's key"),
            Step::RemoveKey => write!(f, "remove the old webhook's key from the ring"),
        }
    }
}

/// The length of the waits, and whether to wait for held events.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    pub settle: Duration,
    pub overlap: Duration,
    pub grace: Duration,
    pub held: DropHeld,
}

/// Lists the remaining steps. `current_for` is the time since the ring's last change.
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
            // the new key has been in the ring at least since the secret's last change
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

/// A running rotation.
pub struct Rotation<'c> {
    pub context: &'c Context,
    pub old_id: &'c str,
    pub parked_at: &'c Url,
    /// The least time between storing the new webhook's key and activating the new webhook.
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
                wait(*seconds, "waiting until JW sends through the new webhook too").await;
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

    /// Deletes a webhook whose key was lost. Fails if another run has stored the key meanwhile.
    async fn delete_orphan(&self, id: &str) -> Result<()> {
        let jw = self.context.jw().await?;
        wait(STORING.as_secs(), "waiting in case another run is storing the webhook's key").await;
        let Some(orphan) = jw.find(id).await? else { return Ok(()) };
        let has_key = self.context.keys().await?.read().await?.status(id).is_entry();
        if has_key || parked::replaces(&orphan).as_deref() != Some(self.old_id) {
            bail!(
                "webhook {id} is now in use, perhaps by another jwhook rotate {}, so it was not \
                 deleted; try again when the other run has ended",
                self.old_id
            );
        }
        Ok(jw.delete(id).await?)
    }

    async fn create_parked(&mut self) -> Result<()> {
        let old = self.old.as_ref().context("the rotation has no old webhook to copy")?;
        let url = self.parked_at;
        let created =
            creation::create_parked(self.context, &old.metadata, url, UnownedKey::Kept).await;
        let created = created.map_err(|problem| match problem.downcast_ref::<Problem>() {
            Some(Problem::Refused {
                status: StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY,
                ..
            }) => problem.context(format!(
                "JW may have rejected the parking URL {url}: if so, give another URL with --parking-url"
            )),
            _ => problem,
        })?;
        note(&format!("      webhook {} was created, and its key is in the ring", created.id));
        self.new = Some(created);
        Ok(())
    }

    /// Waits for the planned time, or longer if the secret was changed while the question was open.
    async fn settle(&self, planned: Duration) -> Result<()> {
        let left = self.settle.saturating_sub(self.context.keys().await?.current_for().await);
        progress::wait(planned.max(left), "waiting until every warm function accepts the new key")
            .await;
        Ok(())
    }

    /// Gives the new webhook the metadata of the old webhook, which may have changed during the wait.
    async fn activate(&mut self) -> Result<()> {
        let new = self.new.clone().context("the rotation has no new webhook to activate")?;
        let jw = self.context.jw().await?;
        let endpoint = &self.context.stack().await?.endpoint()?;
        self.check_key(&new.id).await?;
        let metadata = match jw.find(self.old_id).await? {
            Some(old) if old.calls(endpoint) => old.metadata,
            Some(_) => bail!(
                "somebody changed the URL of webhook {} meanwhile: if the change was intended, delete \
                 the replacement with jwhook delete {}; otherwise restore the URL and try again",
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

    /// Deletes the old webhook. Fails if the new webhook has not replaced it.
    async fn delete_old(&mut self) -> Result<()> {
        let id = self.new.as_ref().context("the rotation has no new webhook")?.id.clone();
        let jw = self.context.jw().await?;
        let endpoint = &self.context.stack().await?.endpoint()?;
        let Some(new) = jw.find(&id).await? else {
            bail!("somebody deleted the replacement {id} meanwhile");
        };
        if !new.calls(endpoint) {
            bail!("the replacement {id} no longer calls {endpoint}");
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
            _ => bail!("the key of the replacement {id} is no longer in the ring"),
        }
    }
}

async fn wait(seconds: u64, what: &str) {
    progress::wait(Duration::from_secs(seconds), what).await;
}
