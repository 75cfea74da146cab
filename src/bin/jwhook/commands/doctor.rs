//! Checks the whole path of an event, from JW to the queue, and says what to do about each problem.
//!
//! A failed check does not stop the others.

mod accepted;
mod account;
mod deployment;
mod held;
mod pairing;
mod queues;
mod region;
pub(super) mod report;
pub(super) mod ring;
mod version;
mod webhooks;

use anyhow::Result;

use self::report::Report;
use crate::context::Context;
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Check the whole path of an event, from JW to the queue

Prints a line for each check, with its status and what to do. The status is OK, WARN (no event is \
refused or lost), FAIL or SKIP (not checked). Changes nothing. A failed check does not stop the others. \
Exit code: 0 if no check failed, 1 if a check failed.

Checks your credentials and clock, the stack, its version, endpoint and region, the secret and each key \
in it, JW's API, each key's webhook and each webhook's key, the webhooks' events and sites, the queue \
and the dead-letter queue, held events, and when the function last accepted an event.

Start here after an outage. Held events wait for a usable secret: follow the advice in the lines \
\"secret\" and \"keys\".";

pub async fn run(context: &Context) -> Result<Verdict> {
    let mut report = Report::new(context.format());
    let has_credentials = account::check(&mut report, &context.sdk).await?;
    let stack = deployment::check(&mut report, context, has_credentials).await?;
    version::check(&mut report, &stack)?;
    let endpoint = deployment::endpoint(&mut report, &stack)?;
    region::check(&mut report, context, &stack)?;
    let keys = ring::check(&mut report, context, &stack, has_credentials).await?;
    webhooks::check(&mut report, context, endpoint.as_ref(), keys.as_ref()).await?;
    queues::check(&mut report, context, &stack, has_credentials).await?;
    held::check(&mut report, &context.sdk, &stack).await?;
    accepted::check(&mut report, &context.sdk, &stack).await?;
    let verdict = report.verdict();
    report.end()?;
    Ok(verdict)
}
