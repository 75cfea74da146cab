//! Parked webhooks: made to replace another one, and not yet calling the endpoint.
//!
//! JW may use a webhook from the moment that it answers 201, and the functions that are warm then have
//! not got its key yet: they would refuse good events. So a new webhook first calls a URL where nobody
//! listens. The URL names the webhook that it is to replace: a rotation that was interrupted is found
//! again by it, from any machine.

use anyhow::{Result, anyhow, bail};
use reqwest::Url;

use crate::jw::webhook::Webhook;

/// A name that never resolves (RFC 2606, section 2).
pub const NOWHERE: &str = "https://jwhook.invalid/";

const MARK: &str = "replaces";

/// The URL of a webhook that is to replace this one.
pub fn url(parking: &Url, replaced: &str) -> Result<Url> {
    if parking.scheme() != "https" {
        bail!("--parking-url {parking}: JW takes HTTPS only");
    }
    let mut url = parking.clone();
    url.path_segments_mut()
        .map_err(|()| anyhow!("--parking-url {parking} has no path"))?
        .pop_if_empty()
        .extend([MARK, replaced]);
    Ok(url)
}

/// The id of the webhook that this one is to replace, if it is parked.
pub fn replaces(webhook: &Webhook) -> Option<String> {
    let url = Url::parse(webhook.url()?).ok()?;
    let mut segments = url.path_segments()?.rev();
    match (segments.next(), segments.next()) {
        (Some(id), Some(MARK)) if !id.is_empty() => Some(id.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Webhook {
        serde_json::from_value(serde_json::json!({"id": "x", "metadata": {"webhook_url": url}}))
            .unwrap()
    }

    #[test]
    fn a_parked_webhook_is_known_by_its_url_wherever_it_is_parked() {
        for (parking, parked) in [
            (NOWHERE, "https://jwhook.invalid/replaces/c0Y6ebVU"),
            ("https://example.com", "https://example.com/replaces/c0Y6ebVU"),
            ("https://example.com/a/?b=c", "https://example.com/a/replaces/c0Y6ebVU?b=c"),
        ] {
            let url = url(&parking.parse().unwrap(), "c0Y6ebVU").unwrap();
            assert_eq!(url.as_str(), parked);
            assert_eq!(replaces(&at(parked)).as_deref(), Some("c0Y6ebVU"));
        }
        for other in ["https://example.com/", "https://example.com/replaces/", "replaces/c0Y6ebVU"]
        {
            assert_eq!(replaces(&at(other)), None, "{other}");
        }
        assert!(url(&"http://example.com".parse().unwrap(), "c0Y6ebVU").is_err());
    }
}
