//! A webhook in JW's API. Unknown members are kept, because an update must send them back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::endpoint::Endpoint;

/// A webhook of the account, whether or not it calls this stack. Members that are missing, null or of
/// another type become empty, so that one malformed webhook does not make the whole list unreadable.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(from = "Value")]
pub struct Webhook {
    /// JW's id: 8 characters of `[A-Za-z0-9]`.
    pub id: String,
    /// The part that an update replaces.
    pub metadata: Map<String, Value>,
    /// `created`, `last_modified`, and other members, but never the secret. JW shows the secret only in
    /// one response, which is read as [`Created`].
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl From<Value> for Webhook {
    fn from(resource: Value) -> Self {
        let Value::Object(mut rest) = resource else { return Self::from(json!({})) };
        rest.remove("secret");
        let id = rest.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let metadata = match rest.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        Self { id: id.unwrap_or_default(), metadata, rest }
    }
}

impl Webhook {
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    pub fn description(&self) -> Option<&str> {
        self.text("description")
    }

    /// The URL that JW calls.
    pub fn url(&self) -> Option<&str> {
        self.text("webhook_url")
    }

    /// Whether the webhook calls one of the stack's URLs.
    pub fn calls(&self, endpoint: &Endpoint) -> bool {
        self.url().is_some_and(|url| endpoint.has(url))
    }

    /// The events that the webhook subscribes to.
    pub fn events(&self) -> Vec<&str> {
        self.texts("events")
    }

    /// The sites (JW's properties) whose events the webhook sends.
    pub fn site_ids(&self) -> Vec<&str> {
        self.texts("site_ids")
    }

    /// Whether both webhooks send the same events of the same sites.
    pub fn sends_the_same(&self, other: &Self) -> bool {
        let set = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        set(self.events()) == set(other.events()) && set(self.site_ids()) == set(other.site_ids())
    }

    /// When the webhook was created, RFC 3339.
    pub fn created(&self) -> Option<&str> {
        self.rest.get("created").and_then(Value::as_str)
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.metadata.get(member).and_then(Value::as_str)
    }

    fn texts(&self, member: &str) -> Vec<&str> {
        let list = self.metadata.get(member).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Parses an argument that is a webhook's id. The id becomes part of a URL.
pub fn parse_id(text: &str) -> Result<String, String> {
    if is_id(text) {
        Ok(text.to_owned())
    } else {
        Err("not a JW id, which is 8 characters of A-Z, a-z and 0-9".to_owned())
    }
}

/// Whether the text looks like one of JW's ids. A longer text may be a secret in the wrong place.
pub fn is_id(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A webhook that JW has just created, with its secret. JW shows the secret only in this response.
pub struct Created {
    pub webhook: Webhook,
    pub secret: Zeroizing<String>,
}
