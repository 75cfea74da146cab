//! Checks whether events are held.

use anyhow::Result;
use aws_config::SdkConfig;

use super::report::Report;
use crate::held::{Held, Waiting};
use crate::moment;
use crate::stack::Stack;

pub async fn check(report: &mut Report, sdk: &SdkConfig, stack: &Stack) -> Result<()> {
    if stack.status().is_none() {
        return report.skip("held", "there is no stack, so there is no held queue to count", None);
    }
    if stack.held_queue_url().is_none() {
        return report.warn(
            "held",
            "the stack has no held queue, so an event that comes while the secret is unusable is lost",
            "deploy the stack again: this version's template has a held queue",
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
            "held events wait for a usable secret: follow the advice in the lines secret and keys; \
             then the function forwards the events within 5 minutes",
        )?;
    }
    if let Some(dead_lettered) = &dead_lettered {
        report.fail(
            "held",
            format!(
                "{} in the held dead-letter queue, {}; the function no longer retries them",
                dead_lettered.number(),
                since(dead_lettered, sdk).await
            ),
            "follow the advice in the lines secret and keys, then move the events back to the held \
             queue: jwhook recover --held",
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
        Ok(None) => "of unknown age (CloudWatch has no value yet)".to_owned(),
        Err(error) => format!("of unknown age ({error:#})"),
    }
}
