//! Checks that the secret can be read, and which keys in the secret the function can use.

use anyhow::Result;
use jw_webhook_forwarder::key_ring::{EntryProblem, Flaw, KeyRing, is_webhook_id};

use super::report::Report;
use crate::context::Context;
use crate::keys::{self, KeyStore, Keys};
use crate::stack::Stack;

/// Returns the keys, if the function can use at least one.
pub async fn check(
    report: &mut Report,
    context: &Context,
    stack: &Stack,
    has_credentials: bool,
) -> Result<Option<Keys>> {
    let keys = match stack.secret_id() {
        Err(missing) => {
            report.skip("secret", format!("unknown: {missing}"), None)?;
            None
        }
        Ok(_) if !has_credentials => {
            report.skip("secret", "there are no AWS credentials", None)?;
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
        report.skip("keys", "the secret was not read", None)?;
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
                format!("the function answers 503 to every event: {error}"),
                "repair the value in Secrets Manager; the previous version may be good (stage \
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
            let effect = "the function answers 503 to the events of this webhook";
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
                "the secret is a single key, not a key ring",
                "nothing to do yet: jwhook create and jwhook rotate turn the single key into a key ring",
            );
        }
        KeyRing::ByWebhook { keys, .. } => keys,
    };
    let ids: Vec<&str> =
        by_webhook.keys().map(String::as_str).filter(|id| is_webhook_id(id)).collect();
    match ids.as_slice() {
        [] => report.warn("keys", "no webhook has a key yet", "create a webhook: jwhook create"),
        [id] => report.ok("keys", format!("1 key, for webhook {id}")),
        ids => report.ok(
            "keys",
            format!("{} keys, for webhooks {}", ids.len(), keys::named(ids.iter().copied())),
        ),
    }
}
