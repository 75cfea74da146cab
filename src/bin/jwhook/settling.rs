//! Waits until every warm function accepts a key that was just stored.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jw_webhook_forwarder::secrets::{FROZEN_AFTER, LONGEST_PAUSE};

use crate::context::Context;
use crate::progress;

/// This time is added to the secret's TTL or to the pause between two rechecks, because a fetch takes
/// up to 5 s, and Secrets Manager returns a new version only a moment after the version's date.
const MARGIN: Duration = Duration::from_secs(10);

/// The longest time for which a warm function refuses events that need a key that was just stored. A
/// function fetches the secret again at the end of the TTL. It also fetches the secret for an event of
/// an unknown webhook, except during a pause between two rechecks. The longest pause may follow a fetch
/// that began just before the key was stored.
pub fn longest_refusal(ttl: Duration) -> Duration {
    ttl.min(FROZEN_AFTER + LONGEST_PAUSE)
}

/// The default wait after a key was stored.
pub fn needed(ttl: Duration) -> Duration {
    ttl.min(LONGEST_PAUSE) + MARGIN
}

/// The wait between storing a key and activating its webhook.
#[derive(Debug, Args)]
pub struct Settling {
    /// How long to wait after the key is stored before the webhook calls the endpoint. A warm function
    /// that has just refused other events does not fetch the secret again for a while. Default: 40
    /// seconds, or the stack's SecretTtlSeconds plus 10 seconds, whichever is shorter
    #[arg(long = "settle", value_name = "SECONDS")]
    seconds: Option<u64>,
}

impl Settling {
    /// Waits until the settle time since the secret's last change has passed. If Secrets Manager does
    /// not say when the change was, waits for the whole settle time.
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
