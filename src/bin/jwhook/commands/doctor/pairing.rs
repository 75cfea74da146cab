//! Whether the webhooks that call the endpoint and the keys of the ring are the same ones.

use anyhow::Result;
use jw_webhook_forwarder::key_ring::{KeyRing, is_webhook_id};

use super::report::Report;
use crate::endpoint::Endpoint;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, Keys};
use crate::parked;
use crate::standing::named;

/// JW's webhooks, and what they are to agree with.
pub struct Pairing<'p> {
    all: &'p [Webhook],
    /// Those that call the endpoint, where that is known.
    callers: Option<(&'p Endpoint, Vec<&'p Webhook>)>,
    keys: Option<&'p Keys>,
    /// The ring's webhook ids, in order; none of a secret by itself.
    ids: Vec<String>,
}

impl<'p> Pairing<'p> {
    pub fn new(
        all: &'p [Webhook],
        endpoint: Option<&'p Endpoint>,
        keys: Option<&'p Keys>,
    ) -> Result<Self> {
        let callers = endpoint.map(|endpoint| {
            (endpoint, all.iter().filter(|webhook| webhook.calls(endpoint)).collect())
        });
        let mut ids = match keys.map(Keys::ring).transpose()? {
            Some((KeyRing::ByWebhook { keys, .. }, _)) => keys.into_keys().collect(),
            _ => Vec::new(),
        };
        ids.retain(|id| is_webhook_id(id));
        ids.sort_unstable();
        Ok(Self { all, callers, keys, ids })
    }

    /// Each of the ring's keys is of a live webhook that calls the endpoint.
    pub fn ring(&self, report: &mut Report) -> Result<()> {
        if self.keys.is_none() {
            return report.skip("ring", "the keys aren't known", None);
        }
        let mut is_well = true;
        for id in &self.ids {
            match self.all.iter().find(|webhook| webhook.id == *id) {
                None => {
                    is_well = false;
                    gone(report, id)?;
                }
                Some(webhook) => is_well &= self.url(report, webhook)?,
            }
        }
        for (webhook, old) in self.orphans() {
            is_well = false;
            report.warn(
                "ring",
                format!("webhook {} was made to replace {old}, and its key is lost", webhook.id),
                format!("a rotation was interrupted: jwhook rotate {old} deletes it and goes on"),
            )?;
        }
        match (self.ids.len(), &self.callers) {
            _ if !is_well => Ok(()),
            (0, _) => report.ok("ring", "no key is of a webhook that is gone"),
            (_, Some(_)) => {
                report.ok("ring", "each key is of a live webhook that calls the endpoint")
            }
            (_, None) => report.ok("ring", "each key is of a live webhook"),
        }
    }

    /// Webhooks that a rotation made and whose keys didn't come into the ring, with those that they
    /// were to replace.
    fn orphans(&self) -> Vec<(&Webhook, String)> {
        let callers = self.callers.iter().flat_map(|(_, callers)| callers);
        let ours: Vec<&str> = callers
            .map(|webhook| webhook.id.as_str())
            .chain(self.ids.iter().map(String::as_str))
            .collect();
        let parked = self.all.iter().filter_map(|webhook| {
            let old = parked::replaces(webhook)?;
            let has_key = self.ids.contains(&webhook.id);
            (!has_key && ours.contains(&old.as_str())).then_some((webhook, old))
        });
        parked.collect()
    }

    /// Whether a webhook of the ring's calls the endpoint.
    fn url(&self, report: &mut Report, webhook: &Webhook) -> Result<bool> {
        let Some((endpoint, _)) = &self.callers else { return Ok(true) };
        if webhook.calls(endpoint) {
            return Ok(true);
        }
        let id = &webhook.id;
        match parked::replaces(webhook) {
            Some(old) => report.warn(
                "ring",
                format!("webhook {id} is to replace {old}, and calls nobody yet"),
                format!("a rotation was interrupted: jwhook rotate {old} goes on with it"),
            )?,
            None if parked::is_new(webhook) => report.warn(
                "ring",
                format!("webhook {} is parked, and calls nobody yet", named(webhook)),
                "a jwhook create or apply was interrupted, or is still running: the same command goes \
                 on with it",
            )?,
            None => report.warn(
                "ring",
                format!("webhook {id} calls {}", webhook.url().unwrap_or("no URL")),
                "its events don't come here: if they should, delete it and create it at this stack; \
                 if it is another stack's, its key does nothing here",
            )?,
        }
        Ok(false)
    }

    /// Each webhook that calls the endpoint has its key in the ring.
    pub fn webhooks(&self, report: &mut Report) -> Result<()> {
        let Some((endpoint, callers)) = &self.callers else {
            return report.skip("webhooks", "the endpoint isn't known", None);
        };
        let Some(keys) = self.keys else {
            return report.skip("webhooks", "the keys aren't known", None);
        };
        let without = |webhook: &&&Webhook| {
            matches!(keys.status(&webhook.id), KeyStatus::Missing | KeyStatus::Unusable)
        };
        for webhook in callers.iter().filter(without) {
            let id = &webhook.id;
            report.fail(
                "webhooks",
                format!("{id} calls the endpoint without a usable key in the ring: the function accepts none of its events"),
                format!("jwhook delete {id}, and create it anew"),
            )?;
        }
        let is_single = callers.iter().any(|one| keys.status(&one.id) == KeyStatus::SingleKey);
        match callers.len() {
            0 => report.warn(
                "webhooks",
                format!("none of JW's calls {endpoint}, so no events come"),
                "make one: jwhook create",
            ),
            1 if is_single => report.ok("webhooks", "one calls the endpoint; the one key is taken for its"),
            number if is_single => report.fail(
                "webhooks",
                format!("{number} call the endpoint, and the secret has one key: the others' events are refused"),
                "store a key ring, {\"ID\": \"…\"}, or delete the others and create them anew",
            ),
            _ if callers.iter().any(|webhook| without(&webhook)) => Ok(()),
            1 => report.ok("webhooks", "one calls the endpoint, with its key in the ring"),
            number => report.ok("webhooks", format!("{number} call the endpoint, each with its key in the ring")),
        }
    }

    /// Each webhook that calls the endpoint is sent for something.
    pub fn settings(&self, report: &mut Report) -> Result<()> {
        let Some((_, callers)) = &self.callers else {
            return report.skip("settings", "the endpoint isn't known", None);
        };
        let mut is_well = true;
        for webhook in callers {
            let (events, sites) = (webhook.events(), webhook.site_ids());
            let id = &webhook.id;
            for (missing, option) in [(events.is_empty(), "event"), (sites.is_empty(), "site")] {
                if missing {
                    is_well = false;
                    report.fail(
                        "settings",
                        format!("webhook {id} has no {option}, so it sends nothing"),
                        format!("jwhook update {id} --{option} …"),
                    )?;
                }
            }
        }
        if is_well {
            report.ok("settings", "each that calls the endpoint has events and sites")
        } else {
            Ok(())
        }
    }

    /// No two webhooks send the same events to the endpoint.
    pub fn duplicates(&self, report: &mut Report) -> Result<()> {
        let Some((_, callers)) = &self.callers else {
            return report.skip("duplicates", "the endpoint isn't known", None);
        };
        let mut is_well = true;
        for (index, webhook) in callers.iter().enumerate() {
            for other in
                callers.iter().skip(index + 1).filter(|other| webhook.sends_the_same(other))
            {
                is_well = false;
                // a webhook without a date is taken for the newer one
                let age = |webhook: &Webhook| webhook.created().unwrap_or("~").to_owned();
                let (old, new) =
                    if age(other) < age(webhook) { (other, webhook) } else { (webhook, other) };
                report.warn(
                    "duplicates",
                    format!("{} and {} send the same events of the same sites", old.id, new.id),
                    format!(
                        "consumers get each twice, with one event_id; jwhook rotate {} if its rotation \
                         was interrupted, else delete one",
                        old.id
                    ),
                )?;
            }
        }
        if is_well {
            report.ok("duplicates", "no two send the same events to the endpoint")
        } else {
            Ok(())
        }
    }
}

/// Says that the ring has a key of a webhook that isn't there.
fn gone(report: &mut Report, id: &str) -> Result<()> {
    report.warn(
        "ring",
        format!("it has a key of {id}, and JW has no such webhook"),
        format!("jwhook delete {id} takes it out; jwhook rotate {id}, if that was interrupted"),
    )
}
