//! What has to be done so that JW's webhooks are as the file has them. Nothing is done here.
//!
//! Only webhooks whose keys are in the ring are ours to change. Where it can't be told which webhook an
//! entry means, that is an error: a wrong guess would delete one.

use std::fmt;

use anyhow::{Result, bail};
use serde::Serialize;

use super::yaml::Entry;
use crate::difference::{Change, between};
use crate::endpoint::Endpoint;
use crate::jw::Metadata;
use crate::jw::webhook::Webhook;
use crate::output::plain;
use crate::parked;
use crate::standing::named;

/// One thing to do.
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
    /// The key of a webhook that is gone at JW: what is left of an interrupted deletion.
    RemoveKey {
        id: String,
    },
}

/// What there is to do, and what is left alone.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// In the order in which it is done.
    pub steps: Vec<Step>,
    /// The webhooks that are as the file has them.
    pub unchanged: Vec<String>,
    /// How many webhooks of the account have no key in the ring.
    pub left_alone: usize,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Whether the secret's only key is lost by it, as a note tells.
    #[serde(skip)]
    pub loses_key: bool,
}

/// What JW and the ring have.
pub struct There<'t> {
    pub webhooks: &'t [Webhook],
    /// The ids in the ring that can be shown.
    pub ring: &'t [String],
    pub endpoint: &'t Endpoint,
}

impl There<'_> {
    /// The plan that leads from here to the file's webhooks.
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
                wanted.remove("webhook_url"); // it may call the stack's other URL
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

    /// The webhook that an entry means, if there is one.
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
                "{} webhooks have the name {:?} and keys in the ring ({}): finish the rotation that \
                 is under way (jwhook rotate), or give the file's entries their ids",
                several.len(),
                entry.name,
                ids(several)
            ),
        }
    }

    fn not_ours(&self, id: &str, name: &str) -> anyhow::Error {
        match self.webhooks.iter().find(|webhook| webhook.id == id) {
            Some(_) => anyhow::anyhow!(
                "the file means webhook {id} by {name:?}, but its key isn't in the ring, so it isn't \
                 touched: leave the id out, and a webhook is created"
            ),
            None => anyhow::anyhow!(
                "the file means webhook {id} by {name:?}, but JW has none with this id: leave the id \
                 out, or give the one of the webhook that has taken its place (jwhook list)"
            ),
        }
    }

    /// A webhook like the entry's without a key: it may be what is left of a run that was interrupted, or
    /// another run's that is about to store the key, or somebody else's, so it isn't touched.
    fn keyless_twin(&self, entry: &Entry, others: &[&Webhook]) -> Option<String> {
        let twin = others.iter().find(|webhook| {
            webhook.name() == Some(entry.name.as_str())
                && (webhook.calls(self.endpoint) || parked::is_new(webhook))
        })?;
        let does = match twin.calls(self.endpoint) {
            true => {
                "calls this stack too, and its key isn't in the ring, so its events are refused"
            }
            false => "is parked, and its key isn't in the ring",
        };
        Some(format!(
            "webhook {} {does}: a create that was interrupted? then jwhook delete {}",
            named(twin),
            twin.id
        ))
    }

    /// One of ours that no entry means.
    fn not_in_file(&self, webhook: &Webhook, entries: &[Entry], plan: &mut Plan) -> Result<()> {
        let id = &webhook.id;
        if !webhook.calls(self.endpoint) {
            plan.notes.push(format!(
                "webhook {} isn't in the file, but calls another URL than this stack's: it is left \
                 alone, though its key is in the ring",
                named(webhook)
            ));
            return Ok(());
        }
        if entries.iter().any(|entry| webhook.name() == Some(entry.name.as_str())) {
            bail!(
                "webhook {} isn't in the file by its id, but has the name of an entry: finish the \
                 rotation that is under way (jwhook rotate), or put {id} into the file, or delete it \
                 with jwhook delete {id}",
                named(webhook)
            );
        }
        plan.steps.push(Step::Delete {
            id: id.clone(),
            name: webhook.name().unwrap_or_default().to_owned(),
        });
        Ok(())
    }

    /// Keys of webhooks that JW doesn't have. In another account it has none of them, and a key that is
    /// taken out can't be had back: so at least one has to be there.
    fn orphans(&self, plan: &mut Plan) {
        let is_there = |id: &&String| self.webhooks.iter().any(|webhook| webhook.id == **id);
        let (there, gone): (Vec<&String>, Vec<&String>) = self.ring.iter().partition(is_there);
        if there.is_empty() && !gone.is_empty() {
            plan.notes.push(format!(
                "JW has none of the webhooks whose keys are in the ring: is this the API secret of \
                 their account? If they were deleted, take their keys out with jwhook delete ({})",
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Create { id, metadata } => {
                let name = metadata.get("name").and_then(|name| name.as_str()).unwrap_or_default();
                let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
                write!(f, "create{id} \"{}\"", plain(name))
            }
            Step::Change { id, name, .. } => write!(f, "change {id} (\"{}\")", plain(name)),
            Step::Delete { id, name } => {
                write!(f, "delete {id} (\"{}\"), which isn't in the file", plain(name))
            }
            Step::RemoveKey { id } => write!(
                f,
                "take the key of {id} out of the ring: JW doesn't have it any more (not while \
                 jwhook rotate {id} waits for late deliveries)"
            ),
        }
    }
}

impl Step {
    /// Whether a webhook calls the endpoint after it that did not call it before.
    pub fn makes_call(&self) -> bool {
        match self {
            Step::Create { .. } => true,
            Step::Change { changes, .. } => changes.iter().any(|one| one.member == "webhook_url"),
            Step::Delete { .. } | Step::RemoveKey { .. } => false,
        }
    }

    /// What it comes to, a line each.
    pub fn details(&self) -> Vec<String> {
        match self {
            Step::Create { metadata, .. } => {
                let nothing = Metadata::new();
                let members = between(&nothing, metadata);
                let shown = members.iter().filter(|change| change.member != "name");
                shown
                    .map(|change| format!("{}: {}", change.member, plain(&change.to.to_string())))
                    .collect()
            }
            Step::Change { changes, .. } => changes.iter().map(ToString::to_string).collect(),
            Step::Delete { .. } | Step::RemoveKey { .. } => Vec::new(),
        }
    }
}

impl Plan {
    /// The steps, for a person.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for step in &self.steps {
            lines.push(step.to_string());
            lines.extend(step.details().iter().map(|detail| format!("    {detail}")));
        }
        lines.push(self.summary());
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let count = |is: fn(&Step) -> bool| self.steps.iter().filter(|step| is(step)).count();
        let others = match self.left_alone {
            0 => String::new(),
            1 => "; 1 other webhook is left alone".to_owned(),
            number => format!("; {number} other webhooks are left alone"),
        };
        if self.steps.is_empty() {
            return format!("No difference: {} unchanged{others}", self.unchanged.len());
        }
        format!(
            "{} to create, {} to change, {} to delete, {} unchanged{others}",
            count(|step| matches!(step, Step::Create { .. })),
            count(|step| matches!(step, Step::Change { .. })),
            count(|step| matches!(step, Step::Delete { .. })),
            self.unchanged.len()
        )
    }
}

#[cfg(test)]
mod tests;
