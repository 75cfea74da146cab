//! Where JW's webhooks stand towards this stack: an account has others too, and the key ring may have
//! keys of webhooks that are gone.

use anyhow::Result;
use serde::Serialize;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::jw::webhook::{Webhook, is_id};
use crate::keys::{KeyStatus, Keys};
use crate::output::{note, plain};

/// What is known of this stack: what the options named.
pub struct Ours {
    endpoint: Option<Endpoint>,
    keys: Option<Keys>,
}

/// A webhook, with what this stack has to do with it. `None` is what can't be told.
#[derive(Serialize)]
pub struct Standing<'w> {
    #[serde(flatten)]
    pub webhook: &'w Webhook,
    pub key: Option<KeyStatus>,
    pub calls_this_stack: Option<bool>,
}

impl Ours {
    /// Reads the keys. That has to be before JW's webhooks are read: whose key is there by then is at
    /// JW too.
    pub async fn read(context: &Context) -> Result<Self> {
        let stack = context.stack().await?;
        let endpoint = stack.endpoint().ok();
        let keys = match stack.secret_id() {
            Ok(_) => Some(context.keys().await?.read().await?),
            Err(_) => None,
        };
        Ok(Self { endpoint, keys })
    }

    pub fn standing<'w>(&self, webhook: &'w Webhook) -> Standing<'w> {
        Standing {
            webhook,
            key: self.keys.as_ref().map(|keys| keys.status(&webhook.id)),
            calls_this_stack: self.endpoint.as_ref().map(|endpoint| webhook.calls(endpoint)),
        }
    }

    /// The ring's ids that none of these webhooks has, as far as they may be shown.
    pub fn orphans(&self, webhooks: &[Webhook]) -> Vec<String> {
        let mut ids = self.keys.as_ref().map(Keys::ids).unwrap_or_default();
        ids.retain(|id| is_id(id) && webhooks.iter().all(|webhook| webhook.id != *id));
        ids
    }

    /// Says on stderr what isn't known, and how it could be.
    pub fn note_unknown(&self) {
        let unknown = match (&self.endpoint, &self.keys) {
            (None, None) => "whether their keys are in the ring and whether they call this stack",
            (None, Some(_)) => "whether they call this stack",
            (Some(_), None) => "whether their keys are in the ring",
            (Some(_), Some(_)) => return self.note_unusable(),
        };
        note(&format!(
            "{unknown} isn't known: give --stack NAME (or JWHOOK_STACK), or --secret-id and \
             --webhook-url"
        ));
        self.note_unusable();
    }

    fn note_unusable(&self) {
        if let Some(Err(problem)) = self.keys.as_ref().map(Keys::ring) {
            note(&format!("{problem}, so the function accepts no event: run jwhook doctor"));
        }
    }
}

impl Standing<'_> {
    /// The key's status, in a word or two.
    pub fn key_text(&self) -> String {
        self.key.map_or_else(|| "-".to_owned(), |key| key.to_string())
    }

    /// Whether it calls this stack, in a word.
    pub fn this_stack_text(&self) -> &'static str {
        match self.calls_this_stack {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        }
    }

    /// Whether this stack surely accepts none of its events.
    pub fn has_no_key(&self) -> bool {
        matches!(self.key, Some(KeyStatus::Missing | KeyStatus::Unusable))
    }

    /// Says on stderr if it calls this stack in vain.
    pub fn note_refused(&self) {
        if self.has_no_key() && self.calls_this_stack == Some(true) {
            note(&format!(
                "the function accepts no event of webhook {}: the ring has no usable key for it; run \
                 jwhook doctor",
                self.webhook.id
            ));
        }
    }

    /// All that a person reads of it, a line each.
    pub fn text(&self) -> String {
        let webhook = self.webhook;
        let member = |member: &str| {
            let value = webhook.rest.get(member).and_then(|value| value.as_str());
            value.unwrap_or("-").to_owned()
        };
        let or_dash =
            |text: Option<&str>| text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned();
        [
            ("id", webhook.id.clone()),
            ("name", or_dash(webhook.name())),
            ("description", or_dash(webhook.description())),
            ("webhook_url", or_dash(webhook.url())),
            ("this stack", self.this_stack_text().to_owned()),
            ("key", self.key_text()),
            ("events", or_dash(Some(&webhook.events().join(", ")))),
            ("site_ids", or_dash(Some(&webhook.site_ids().join(", ")))),
            ("created", member("created")),
            ("last_modified", member("last_modified")),
        ]
        .map(|(label, value)| format!("{label:<14} {}", plain(&value)))
        .join("\n")
    }
}

/// A webhook as a sentence names it: `c0Y6ebVU ("Newsroom")`.
pub fn named(webhook: &Webhook) -> String {
    format!("{} (\"{}\")", webhook.id, plain(webhook.name().unwrap_or_default()))
}
