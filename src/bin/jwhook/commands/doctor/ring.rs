//! The secret: can it be read, and what of it can the function use?

use anyhow::Result;
use jw_webhook_forwarder::key_ring::{EntryProblem, Flaw, KeyRing, is_webhook_id};

use super::report::Report;
use crate::context::Context;
use crate::keys::{self, KeyStore, Keys};
use crate::stack::Stack;

/// The keys, where they can be read and used.
pub async fn check(
    report: &mut Report,
    context: &Context,
    stack: &Stack,
    has_credentials: bool,
) -> Result<Option<Keys>> {
    let keys = match stack.secret_id() {
        Err(missing) => {
            report.skip("secret", format!("not known: {missing}"), None)?;
            None
        }
        Ok(_) if !has_credentials => {
            report.skip("secret", "there are no credentials to read it with", None)?;
            None
        }
        Ok(id) => match KeyStore::new(&context.sdk, id).read().await {
            Ok(keys) => {
                report.ok("secret", format!("{id} can be read"))?;
                Some(keys)
            }
            Err(error) => {
                report.error("secret", &error)?;
                None
            }
        },
    };
    let Some(keys) = keys else {
        report.skip("keys", "the secret wasn't read", None)?;
        return Ok(None);
    };
    let ring = keys.ring();
    let problems = match &ring {
        Ok((_, problems)) => problems,
        Err(error) => error.problems(),
    };
    for problem in problems {
        entry(report, problem)?;
    }
    match ring {
        Ok((ring, _)) => {
            usable(report, &ring)?;
            Ok(Some(keys))
        }
        Err(error) => {
            report.fail(
                "keys",
                format!("every event is answered 503: {error}"),
                "mend the value in Secrets Manager; the version before may be good (its stage is \
                 AWSPREVIOUS)",
            )?;
            Ok(None)
        }
    }
}

fn entry(report: &mut Report, problem: &EntryProblem) -> Result<()> {
    let advice = problem.flaw.advice();
    match problem.flaw {
        Flaw::Unusable(_) => {
            let effect = "the function answers 503 to its webhook's events";
            report.fail("keys", format!("{problem}; {effect}"), advice)
        }
        Flaw::NotAnId => report.warn("keys", problem.to_string(), advice),
    }
}

fn usable(report: &mut Report, ring: &KeyRing) -> Result<()> {
    let by_webhook = match ring {
        KeyRing::Single(_) => {
            return report.warn(
                "keys",
                "the secret is one webhook's key by itself",
                "nothing to do yet; jwhook create and rotate make it the key ring that a rotation \
                 needs",
            );
        }
        KeyRing::ByWebhook { keys, .. } => keys,
    };
    let ids: Vec<&str> =
        by_webhook.keys().map(String::as_str).filter(|id| is_webhook_id(id)).collect();
    match ids.as_slice() {
        [] => report.warn("keys", "no webhook has one yet", "make a webhook: jwhook create"),
        [id] => report.ok("keys", format!("one, of webhook {id}")),
        ids => report
            .ok("keys", format!("{}, of webhooks {}", ids.len(), keys::named(ids.iter().copied()))),
    }
}
