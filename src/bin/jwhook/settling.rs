//! Waiting until no warm function refuses the events of a webhook whose key was just stored.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jw_webhook_forwarder::secrets::{FROZEN_AFTER, LONGEST_PAUSE};

use crate::context::Context;
use crate::progress;

/// What is waited beyond the secret's TTL, or beyond a pause: a fetch goes on for 5 s at most, and a
/// version is in use a moment after the time that Secrets Manager gives for it.
const MARGIN: Duration = Duration::from_secs(10);

/// The longest that a warm function refuses the events of a webhook whose key was just stored. A function
/// fetches the secret again when its TTL is over, and at the first event of an unknown webhook that does
/// not come in a pause between two rechecks. The longest pause may follow a fetch that began just before
/// the key was stored.
pub fn longest_refusal(ttl: Duration) -> Duration {
    ttl.min(FROZEN_AFTER + LONGEST_PAUSE)
}

/// How long to wait after a key was stored, unless somebody says otherwise.
pub fn needed(ttl: Duration) -> Duration {
    ttl.min(LONGEST_PAUSE) + MARGIN
}

/// How long a webhook waits for the functions.
#[derive(Debug, Args)]
pub struct Settling {
    /// How long to wait after the key was stored before the webhook calls the endpoint: a warm function
    /// that has just refused other events fetches no key for a while. By default 40 seconds, or the
    /// stack's SecretTtlSeconds and 10 seconds, whichever is less
    #[arg(long = "settle", value_name = "SECONDS")]
    seconds: Option<u64>,
}

impl Settling {
    /// Waits for what is left of the time. It began when the secret was last changed, if Secrets Manager
    /// says when that was.
    pub async fn wait(&self, context: &Context) -> Result<()> {
        let ttl = context.stack().await?.secret_ttl();
        let settle = self.seconds.map_or_else(|| needed(ttl), Duration::from_secs);
        if settle.is_zero() {
            return Ok(());
        }
        let left = settle.saturating_sub(context.keys().await?.current_for().await);
        progress::wait(left, "waiting until every warm function accepts the new key").await;
        Ok(())
    }
}
