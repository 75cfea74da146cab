//! How each of JW's webhooks relates to this stack: whether the webhook calls the stack, and whether
//! the ring has the webhook's key. An account has other webhooks too, and the ring may have keys of
//! deleted webhooks.

use anyhow::Result;
use serde::Serialize;

use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::jw::webhook::{Webhook, is_id};
use crate::keys::{KeyStatus, Keys};
use crate::output::{note, plain};

/// This stack's endpoint and keys, as far as the options name them.
pub struct Ours {
    endpoint: Option<Endpoint>,
    keys: Option<Keys>,
}

/// A webhook and its relation to this stack. `None` means unknown.
#[derive(Serialize)]
pub struct Standing<'w> {
    #[serde(flatten)]
    pub webhook: &'w Webhook,
    pub key: Option<KeyStatus>,
    pub calls_this_stack: Option<bool>,
}

impl Ours {
    /// Reads the keys. Call it before you read JW's webhooks: a webhook exists before its key is
    /// stored, so JW's list then has the webhook of every key.
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

    /// The ids in the ring whose webhooks are not in this list. Leaves out names that may be a secret
    /// in the wrong place.
    pub fn orphans(&self, webhooks: &[Webhook]) -> Vec<String> {
        let mut ids = self.keys.as_ref().map(Keys::ids).unwrap_or_default();
        ids.retain(|id| is_id(id) && webhooks.iter().all(|webhook| webhook.id != *id));
        ids
    }

    /// If the endpoint or the keys are unknown, prints on stderr which option would help.
    pub fn note_unknown(&self) {
        let unknown = match (&self.endpoint, &self.keys) {
            (None, None) => {
                "whether the webhooks call this stack and whether their keys are in the ring"
            }
            (None, Some(_)) => "whether the webhooks call this stack",
            (Some(_), None) => "whether the webhooks' keys are in the ring",
            (Some(_), Some(_)) => return self.note_unusable(),
        };
        note(&format!(
            "jwhook cannot tell {unknown}: give --stack NAME (or JWHOOK_STACK), or --secret-id and \
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
    pub fn key_text(&self) -> String {
        self.key.map_or_else(|| "-".to_owned(), |key| key.to_string())
    }

    pub fn this_stack_text(&self) -> &'static str {
        match self.calls_this_stack {
            Some(true) => "yes",
            Some(false) => "no",
            None => "-",
        }
    }

    /// Whether the ring is known to have no usable key for the webhook.
    pub fn has_no_key(&self) -> bool {
        matches!(self.key, Some(KeyStatus::Missing | KeyStatus::Unusable))
    }

    /// If the webhook calls this stack and the ring has no usable key for the webhook, prints a warning.
    pub fn note_refused(&self) {
        if self.has_no_key() && self.calls_this_stack == Some(true) {
            note(&format!(
                "the function accepts no event of webhook {}, because the ring has no usable key \
                 for this webhook: run jwhook doctor",
                self.webhook.id
            ));
        }
    }

    /// The webhook as text, one line for each member.
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

/// A webhook's id and name for a sentence: `c0Y6ebVU ("Newsroom")`.
pub fn named(webhook: &Webhook) -> String {
    format!("{} (\"{}\")", webhook.id, plain(webhook.name().unwrap_or_default()))
}
