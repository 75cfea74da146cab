//! Parked webhooks: they exist at JW, but do not call the endpoint yet.
//!
//! JW may send events through a webhook as soon as JW has created it. Functions that are warm at that
//! moment do not have the webhook's key yet, and would refuse good events. So a new webhook first calls
//! a URL where nobody listens. The URL says what the webhook is for, so that an interrupted command can
//! be continued from any machine. The URL also identifies the run, so that no run deletes another run's
//! webhook.

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use reqwest::Url;

use crate::jw::webhook::Webhook;

/// A name that never resolves (RFC 2606, section 2).
const NOWHERE: &str = "https://jwhook.invalid/";

const NEW: &str = "new";
const REPLACES: &str = "replaces";
const RUN: &str = "jwhook_run";

/// Where new webhooks are parked.
#[derive(Debug, Args)]
pub struct Parking {
    /// The URL that a parked webhook calls. Give one if JW rejects the default URL, which does not
    /// resolve. JW may send events to this URL, so the URL must be yours, and must not lead to the
    /// function
    #[arg(long = "parking-url", value_name = "URL", default_value = NOWHERE)]
    url: Url,
}

/// What a parked webhook is for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'i> {
    /// To call the endpoint in addition to other webhooks.
    New,
    /// To replace the webhook with this id.
    Replace(&'i str),
}

impl Parking {
    /// A parking URL for this purpose that is unique to this run.
    pub fn url(&self, purpose: Purpose) -> Result<Url> {
        let parking = &self.url;
        if parking.scheme() != "https" {
            bail!("--parking-url {parking} is not an HTTPS URL, and JW calls only HTTPS");
        }
        let mut run = [0; 8];
        getrandom::fill(&mut run).context("the operating system returned no random bytes")?;
        let mut url = parking.clone();
        let mut path =
            url.path_segments_mut().map_err(|()| anyhow!("--parking-url {parking} has no path"))?;
        path.pop_if_empty();
        match purpose {
            Purpose::New => path.push(NEW),
            Purpose::Replace(id) => path.push(REPLACES).push(id),
        };
        drop(path);
        url.query_pairs_mut().append_pair(RUN, &hex::encode(run));
        Ok(url)
    }
}

/// The id of the webhook that this parked webhook is meant to replace.
pub fn replaces(webhook: &Webhook) -> Option<String> {
    let url = Url::parse(webhook.url()?).ok()?;
    let mut segments = url.path_segments()?.rev();
    match (segments.next(), segments.next()) {
        (Some(id), Some(REPLACES)) if !id.is_empty() => Some(id.to_owned()),
        _ => None,
    }
}

/// Whether this webhook is parked as a new webhook, not as a replacement.
pub fn is_new(webhook: &Webhook) -> bool {
    let Some(Ok(url)) = webhook.url().map(Url::parse) else { return false };
    let last = url.path_segments().and_then(Iterator::last);
    last == Some(NEW) && url.query_pairs().any(|(name, _)| name == RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Webhook {
        serde_json::from_value(serde_json::json!({"id": "x", "metadata": {"webhook_url": url}}))
            .unwrap()
    }

    fn parking(url: &str) -> Parking {
        Parking { url: url.parse().unwrap() }
    }

    #[test]
    fn parked_webhook_is_recognised_by_its_url() {
        for (url, parked) in [
            (NOWHERE, "https://jwhook.invalid/replaces/c0Y6ebVU?jwhook_run="),
            ("https://example.com", "https://example.com/replaces/c0Y6ebVU?jwhook_run="),
            (
                "https://example.com/a/?b=c",
                "https://example.com/a/replaces/c0Y6ebVU?b=c&jwhook_run=",
            ),
        ] {
            let replacement = parking(url).url(Purpose::Replace("c0Y6ebVU")).unwrap();
            assert_eq!(replacement.as_str().strip_prefix(parked).unwrap().len(), 16);
            let replacement = at(replacement.as_str());
            assert_eq!(replaces(&replacement).as_deref(), Some("c0Y6ebVU"));
            assert!(!is_new(&replacement));
            let new = at(parking(url).url(Purpose::New).unwrap().as_str());
            assert_eq!((is_new(&new), replaces(&new)), (true, None));
        }
        for other in ["https://example.com/", "https://example.com/replaces/", "replaces/c0Y6ebVU"]
        {
            assert_eq!(replaces(&at(other)), None, "{other}");
        }
        assert!(!is_new(&at("https://example.com/new")), "somebody else's");
        assert!(parking("http://example.com").url(Purpose::New).is_err());
    }

    #[test]
    fn two_runs_use_different_parking_urls() {
        let urls =
            [Purpose::New, Purpose::New].map(|purpose| parking(NOWHERE).url(purpose).unwrap());
        assert_ne!(urls[0], urls[1]);
    }
}
