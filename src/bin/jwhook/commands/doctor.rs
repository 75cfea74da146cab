//! The whole way of an event, from JW to the queue, and what to do about what isn't right.
//!
//! Each check is made if it can be: one that fails hides no other.

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
Check the whole way, from JW to the queue

A line for each check: OK, WARN (nothing is refused or lost by it), FAIL or SKIP (couldn't be \
checked), and what to do about it. Changes nothing, and one that fails hides no other. Exit code \
0: nothing failed; 1: something did.

Checks your credentials and clock, the stack, its version, endpoint and region, the secret and each \
key in it, JW's API, each key's webhook and each webhook's key, the webhooks' events and sites, the \
queue and the dead-letter queue, events that are held, and when an event was last accepted.

Start here after an outage. Events that are held wait for the secret: mend what the lines secret and \
keys say.";

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
