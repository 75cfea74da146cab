//! Checks that the webhooks that call the endpoint match the keys in the ring.

use anyhow::Result;
use jw_webhook_forwarder::key_ring::{KeyRing, is_webhook_id};

use super::report::Report;
use crate::endpoint::Endpoint;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, Keys};
use crate::parked;
use crate::standing::named;

/// JW's webhooks, and the endpoint and the keys to compare the webhooks with.
pub struct Pairing<'p> {
    all: &'p [Webhook],
    /// The endpoint, if it is known, and the webhooks that call it.
    callers: Option<(&'p Endpoint, Vec<&'p Webhook>)>,
    keys: Option<&'p Keys>,
    /// The ring's webhook ids, sorted; empty for a single key.
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

    /// Checks that each key in the ring belongs to a webhook that calls the endpoint.
    pub fn ring(&self, report: &mut Report) -> Result<()> {
        if self.keys.is_none() {
            return report.skip("ring", "the keys are unknown", None);
        }
        let mut all_ok = true;
        for id in &self.ids {
            match self.all.iter().find(|webhook| webhook.id == *id) {
                None => {
                    all_ok = false;
                    deleted(report, id)?;
                }
                Some(webhook) => all_ok &= self.url(report, webhook)?,
            }
        }
        for (webhook, old) in self.orphans() {
            all_ok = false;
            let new = &webhook.id;
            report.warn(
                "ring",
                format!("webhook {new} was created to replace {old}, but the key of {new} is lost"),
                format!(
                    "a rotation was interrupted: run jwhook rotate {old}, which deletes {new} and continues the rotation"
                ),
            )?;
        }
        match (self.ids.len(), &self.callers) {
            _ if !all_ok => Ok(()),
            (0, _) => report.ok("ring", "no key belongs to a deleted webhook"),
            (_, Some(_)) => {
                report.ok("ring", "each key belongs to a webhook that calls the endpoint")
            }
            (_, None) => report.ok("ring", "each key belongs to an existing webhook"),
        }
    }

    /// The webhooks that a rotation created without storing their keys. Each comes with the id of the
    /// webhook that it should replace.
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

    /// Checks that a webhook whose key is in the ring calls the endpoint.
    fn url(&self, report: &mut Report, webhook: &Webhook) -> Result<bool> {
        let Some((endpoint, _)) = &self.callers else { return Ok(true) };
        if webhook.calls(endpoint) {
            return Ok(true);
        }
        let id = &webhook.id;
        match parked::replaces(webhook) {
            Some(old) => report.warn(
                "ring",
                format!("webhook {id} should replace {old}, but is still parked"),
                format!("a rotation was interrupted: run jwhook rotate {old} to continue the rotation"),
            )?,
            None if parked::is_new(webhook) => report.warn(
                "ring",
                format!("webhook {} is parked, so it receives no events yet", named(webhook)),
                "a jwhook create or apply was interrupted, or is still running: run the same command \
                 again to continue",
            )?,
            None => report.warn(
                "ring",
                format!("webhook {id} calls {}", webhook.url().unwrap_or("no URL")),
                "the webhook's events do not come to this stack. If they should, delete the \
                 webhook and create it again for this stack. If the webhook belongs to another \
                 stack, this stack's ring does not need its key",
            )?,
        }
        Ok(false)
    }

    /// Checks that each webhook that calls the endpoint has its key in the ring.
    pub fn webhooks(&self, report: &mut Report) -> Result<()> {
        let Some((endpoint, callers)) = &self.callers else {
            return report.skip("webhooks", "the endpoint is unknown", None);
        };
        let Some(keys) = self.keys else {
            return report.skip("webhooks", "the keys are unknown", None);
        };
        let without = |webhook: &&&Webhook| {
            matches!(keys.status(&webhook.id), KeyStatus::Missing | KeyStatus::Unusable)
        };
        for webhook in callers.iter().filter(without) {
            let id = &webhook.id;
            report.fail(
                "webhooks",
                format!(
                    "webhook {id} calls the endpoint, but the ring has no usable key for it: \
                     the function accepts none of the webhook's events"
                ),
                format!("jwhook delete {id}, then create the webhook again"),
            )?;
        }
        let is_single = callers.iter().any(|one| keys.status(&one.id) == KeyStatus::SingleKey);
        match callers.len() {
            0 => report.warn(
                "webhooks",
                format!("no webhook calls {endpoint}, so no events arrive"),
                "create a webhook: jwhook create",
            ),
            1 if is_single => report.ok(
                "webhooks",
                "one webhook calls the endpoint, so the secret's single key is assumed to belong to it",
            ),
            number if is_single => report.fail(
                "webhooks",
                format!("{number} webhooks call the endpoint, but the secret's single key belongs \
                         to at most one of them: the function refuses the events of the others"),
                "store a key ring, {\"ID\": \"…\"}, or keep one webhook, delete the others and \
                 create them again",
            ),
            _ if callers.iter().any(|webhook| without(&webhook)) => Ok(()),
            1 => report.ok("webhooks", "one webhook calls the endpoint, and its key is in the ring"),
            number => report.ok("webhooks", format!("{number} webhooks call the endpoint, and their keys are in the ring")),
        }
    }

    /// Checks that each webhook that calls the endpoint has events and sites.
    pub fn settings(&self, report: &mut Report) -> Result<()> {
        let Some((_, callers)) = &self.callers else {
            return report.skip("settings", "the endpoint is unknown", None);
        };
        let mut all_ok = true;
        for webhook in callers {
            let (events, sites) = (webhook.events(), webhook.site_ids());
            let id = &webhook.id;
            for (missing, option) in [(events.is_empty(), "event"), (sites.is_empty(), "site")] {
                if missing {
                    all_ok = false;
                    report.fail(
                        "settings",
                        format!("webhook {id} has no {option}, so it sends nothing"),
                        format!("jwhook update {id} --{option} …"),
                    )?;
                }
            }
        }
        if all_ok {
            report.ok("settings", "each webhook that calls the endpoint has events and sites")
        } else {
            Ok(())
        }
    }

    /// Checks that no two webhooks send the same events to the endpoint.
    pub fn duplicates(&self, report: &mut Report) -> Result<()> {
        let Some((_, callers)) = &self.callers else {
            return report.skip("duplicates", "the endpoint is unknown", None);
        };
        let mut all_ok = true;
        for (index, webhook) in callers.iter().enumerate() {
            for other in
                callers.iter().skip(index + 1).filter(|other| webhook.sends_the_same(other))
            {
                all_ok = false;
                // a webhook without a date counts as the newer one
                let age = |webhook: &Webhook| webhook.created().unwrap_or("~").to_owned();
                let (old, new) =
                    if age(other) < age(webhook) { (other, webhook) } else { (webhook, other) };
                report.warn(
                    "duplicates",
                    format!(
                        "webhooks {} and {} send the same events of the same sites",
                        old.id, new.id
                    ),
                    format!(
                        "consumers get each event twice, with the same event_id: if a rotation was \
                         interrupted, run jwhook rotate {}; otherwise delete one of the two webhooks",
                        old.id
                    ),
                )?;
            }
        }
        if all_ok {
            report.ok("duplicates", "no two webhooks send the same events to the endpoint")
        } else {
            Ok(())
        }
    }
}

fn deleted(report: &mut Report, id: &str) -> Result<()> {
    report.warn(
        "ring",
        format!("the ring has a key for webhook {id}, but JW has no such webhook"),
        format!(
            "jwhook delete {id} removes the key; if a rotation of {id} was interrupted, run jwhook \
             rotate {id} instead"
        ),
    )
}
