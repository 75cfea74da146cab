//! Plans the steps that make JW's webhooks match the file.
//!
//! A plan changes only webhooks whose keys are in the ring. It is an error if an entry may match
//! several webhooks, because a wrong guess would delete a webhook.

use anyhow::{Result, bail};
use serde::Serialize;

use super::yaml::Entry;
use crate::difference::{Change, between};
use crate::endpoint::Endpoint;
use crate::jw::Metadata;
use crate::jw::webhook::Webhook;
use crate::parked;
use crate::standing::named;

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Step {
    Create {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        metadata: Metadata,
    },
    Change {
        id: String,
        name: String,
        changes: Vec<Change>,
    },
    Delete {
        id: String,
        name: String,
    },
    /// Remove a key that an interrupted deletion left in the ring. JW has already deleted the webhook.
    RemoveKey {
        id: String,
    },
}

/// The steps, and what stays unchanged.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// In the order of execution.
    pub steps: Vec<Step>,
    /// The webhooks that already match the file.
    pub unchanged: Vec<String>,
    /// How many webhooks of the account have no key in the ring.
    pub left_alone: usize,
    /// Warnings.
    pub notes: Vec<String>,
    /// Whether the plan replaces the secret's single key, so that the key is lost. A note warns of the
    /// loss.
    #[serde(skip)]
    pub loses_key: bool,
}

/// The current state of JW and the ring.
pub struct Current<'t> {
    pub webhooks: &'t [Webhook],
    /// The webhook ids in the ring. Leaves out names that may be a secret in the wrong place.
    pub ring: &'t [String],
    pub endpoint: &'t Endpoint,
}

impl Current<'_> {
    /// The plan that makes JW's webhooks match the file.
    pub fn plan(&self, entries: &[Entry]) -> Result<Plan> {
        let is_ours = |webhook: &&Webhook| self.ring.contains(&webhook.id);
        let (ours, others): (Vec<&Webhook>, Vec<&Webhook>) =
            self.webhooks.iter().partition(is_ours);
        let pinned: Vec<&str> = entries.iter().filter_map(|entry| entry.id.as_deref()).collect();
        let mut meant = Vec::new();
        let mut plan = Plan { left_alone: others.len(), ..Plan::default() };
        let mut changes = Vec::new();
        for entry in entries {
            let mut wanted = entry.metadata(self.endpoint.url());
            let Some(webhook) = self.meant_by(entry, &ours, &pinned)? else {
                plan.notes.extend(self.keyless_twin(entry, &others));
                plan.steps.push(Step::Create { id: None, metadata: wanted });
                continue;
            };
            meant.push(&webhook.id);
            if webhook.calls(self.endpoint) {
                wanted.remove("webhook_url"); // any of the stack's URLs is right
            }
            match between(&webhook.metadata, &wanted) {
                none if none.is_empty() => plan.unchanged.push(webhook.id.clone()),
                some => changes.push(Step::Change {
                    id: webhook.id.clone(),
                    name: webhook.name().unwrap_or_default().to_owned(),
                    changes: some,
                }),
            }
        }
        plan.steps.append(&mut changes);
        for webhook in ours.iter().filter(|webhook| !meant.contains(&&webhook.id)) {
            self.not_in_file(webhook, entries, &mut plan)?;
        }
        self.orphans(&mut plan);
        Ok(plan)
    }

    /// The webhook that an entry matches.
    fn meant_by<'w>(
        &self,
        entry: &Entry,
        ours: &[&'w Webhook],
        pinned: &[&str],
    ) -> Result<Option<&'w Webhook>> {
        if let Some(id) = &entry.id {
            let Some(webhook) = ours.iter().find(|webhook| webhook.id == *id) else {
                return Err(self.not_ours(id, &entry.name));
            };
            return Ok(Some(webhook));
        }
        let same_name =
            ours.iter().copied().filter(|webhook| webhook.name() == Some(entry.name.as_str()));
        let free = same_name.filter(|webhook| !pinned.contains(&webhook.id.as_str()));
        let (here, elsewhere): (Vec<&Webhook>, Vec<&Webhook>) =
            free.partition(|webhook| webhook.calls(self.endpoint));
        let candidates = if here.is_empty() { elsewhere } else { here };
        match candidates.as_slice() {
            [] => Ok(None),
            [webhook] => Ok(Some(webhook)),
            several => bail!(
                "{} webhooks have the name {:?} and keys in the ring ({}): finish the unfinished \
                 rotation (jwhook rotate), or add the webhooks' ids to the file's entries",
                several.len(),
                entry.name,
                ids(several)
            ),
        }
    }

    fn not_ours(&self, id: &str, name: &str) -> anyhow::Error {
        match self.webhooks.iter().find(|webhook| webhook.id == id) {
            Some(_) => anyhow::anyhow!(
                "the file gives {name:?} the id {id}, but the key of this webhook is not in the ring, so \
                 jwhook does not touch it: remove the id from the file to create a new webhook"
            ),
            None => anyhow::anyhow!(
                "the file gives {name:?} the id {id}, but JW has no webhook with this id: remove the id \
                 from the file, or give the id of the webhook that replaced it (jwhook list)"
            ),
        }
    }

    /// A note about a webhook that has the entry's name but no key. The plan does not touch this
    /// webhook: an interrupted run may have left it, another run may be about to store its key, or it
    /// may be somebody else's.
    fn keyless_twin(&self, entry: &Entry, others: &[&Webhook]) -> Option<String> {
        let twin = others.iter().find(|webhook| {
            webhook.name() == Some(entry.name.as_str())
                && (webhook.calls(self.endpoint) || parked::is_new(webhook))
        })?;
        let does = match twin.calls(self.endpoint) {
            true => {
                "also calls this stack, but its key is not in the ring, so the function refuses \
                 its events"
            }
            false => "is parked, and its key is not in the ring",
        };
        Some(format!(
            "webhook {} {does}: if a jwhook create was interrupted, run jwhook delete {}",
            named(twin),
            twin.id
        ))
    }

    /// Plans the deletion of a webhook that no entry matches. If the webhook calls another URL, only
    /// adds a note.
    fn not_in_file(&self, webhook: &Webhook, entries: &[Entry], plan: &mut Plan) -> Result<()> {
        let id = &webhook.id;
        if !webhook.calls(self.endpoint) {
            plan.notes.push(format!(
                "webhook {} is not in the file, and its key is in the ring. The webhook calls a \
                 URL that is not this stack's, so jwhook does not delete the webhook",
                named(webhook)
            ));
            return Ok(());
        }
        if entries.iter().any(|entry| webhook.name() == Some(entry.name.as_str())) {
            bail!(
                "webhook {} has the name of an entry in the file, but the file does not have its id: \
                 finish the unfinished rotation (jwhook rotate), or add {id} to the file, or delete the \
                 webhook with jwhook delete {id}",
                named(webhook)
            );
        }
        plan.steps.push(Step::Delete {
            id: id.clone(),
            name: webhook.name().unwrap_or_default().to_owned(),
        });
        Ok(())
    }

    /// Plans the removal of keys whose webhooks JW does not have. If JW has none of the ring's
    /// webhooks, plans no removal, because the API secret may be of another account and a removed key
    /// cannot be restored.
    fn orphans(&self, plan: &mut Plan) {
        let is_there = |id: &&String| self.webhooks.iter().any(|webhook| webhook.id == **id);
        let (there, gone): (Vec<&String>, Vec<&String>) = self.ring.iter().partition(is_there);
        if there.is_empty() && !gone.is_empty() {
            plan.notes.push(format!(
                "JW has none of the webhooks whose keys are in the ring: check that the API secret \
                 is of the account that has these webhooks. If the webhooks were deleted, remove \
                 their keys with jwhook delete ({})",
                gone.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
            ));
            return;
        }
        plan.steps.extend(gone.into_iter().map(|id| Step::RemoveKey { id: id.clone() }));
    }
}

fn ids(webhooks: &[&Webhook]) -> String {
    webhooks.iter().map(|webhook| webhook.id.as_str()).collect::<Vec<_>>().join(", ")
}

impl Step {
    /// Whether a webhook calls the endpoint because of this step.
    pub fn makes_call(&self) -> bool {
        match self {
            Step::Create { .. } => true,
            Step::Change { changes, .. } => changes.iter().any(|one| one.member == "webhook_url"),
            Step::Delete { .. } | Step::RemoveKey { .. } => false,
        }
    }
}

mod text;

#[cfg(test)]
mod tests;
