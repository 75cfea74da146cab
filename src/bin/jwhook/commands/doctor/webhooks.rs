//! Checks JW's API, and compares JW's webhooks with the keys in the ring and with the endpoint.

use anyhow::{Error, Result};

use super::pairing::Pairing;
use super::report::Report;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::jw::secret::ApiSecret;
use crate::keys::Keys;

/// The checks that need JW's list of webhooks.
const OF_THE_LIST: [&str; 4] = ["ring", "webhooks", "settings", "duplicates"];

pub async fn check(
    report: &mut Report,
    context: &Context,
    endpoint: Option<&Endpoint>,
    keys: Option<&Keys>,
) -> Result<()> {
    let list = async { Ok::<_, Error>(context.jw().await?.list().await?) };
    let webhooks = if ApiSecret::is_given(&context.options) {
        match list.await {
            Ok(webhooks) => {
                report.ok(
                    "jw_api",
                    format!(
                        "JW accepts the API secret; webhooks in the account: {}",
                        webhooks.len()
                    ),
                )?;
                Some(webhooks)
            }
            Err(error) => {
                report.error("jw_api", &error)?;
                None
            }
        }
    } else {
        report.skip(
            "jw_api",
            "there is no JW API secret, and no terminal to ask for it",
            Some("set JW_API_SECRET, or give --api-secret-id"),
        )?;
        None
    };
    let Some(webhooks) = webhooks else {
        for check in OF_THE_LIST {
            report.skip(check, "JW's webhooks are unknown", None)?;
        }
        return Ok(());
    };
    let pairing = Pairing::new(&webhooks, endpoint, keys)?;
    pairing.ring(report)?;
    pairing.webhooks(report)?;
    pairing.settings(report)?;
    pairing.duplicates(report)
}
