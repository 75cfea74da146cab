//! Events that the function holds, because it had no usable secret for them.

use anyhow::Result;
use aws_config::SdkConfig;

use super::report::Report;
use crate::held::{Held, Waiting};
use crate::moment;
use crate::stack::Stack;

pub async fn check(report: &mut Report, sdk: &SdkConfig, stack: &Stack) -> Result<()> {
    if stack.status().is_none() {
        return report.skip("held", "no stack was found whose held queue could be counted", None);
    }
    if stack.held_queue_url().is_none() {
        return report.warn(
            "held",
            "the stack has no held queue: an event that comes while the secret cannot be used is lost",
            "deploy the stack again: the template has one",
        );
    }
    let held = match Held::count(sdk, stack).await {
        Ok(held) => held,
        Err(error) => return report.error("held", &error),
    };
    let some = |waiting: Option<Waiting>| waiting.filter(|waiting| waiting.number() > 0);
    let (waiting, dead_lettered) = (some(held.waiting), some(held.dead_lettered));
    if let Some(waiting) = &waiting {
        report.fail(
            "held",
            format!("{} in the held queue, {}", waiting.number(), since(waiting, sdk).await),
            "they wait for a secret that can verify them: do what the lines secret and keys say; \
             the function then forwards them by itself within 5 minutes",
        )?;
    }
    if let Some(dead_lettered) = &dead_lettered {
        report.fail(
            "held",
            format!(
                "{} in the held dead-letter queue, {}; the function does not try them any more",
                dead_lettered.number(),
                since(dead_lettered, sdk).await
            ),
            "do what the lines secret and keys say, then move them back: jwhook recover --held",
        )?;
    }
    if waiting.is_none() && dead_lettered.is_none() {
        report.ok("held", "no event is held")?;
    }
    Ok(())
}

async fn since(waiting: &Waiting, sdk: &SdkConfig) -> String {
    match waiting.since(sdk).await {
        Ok(Some(since)) => format!("the oldest since {}", moment::written(since.into())),
        Ok(None) => "CloudWatch does not know yet since when".to_owned(),
        Err(error) => format!("since when is not known ({error:#})"),
    }
}
