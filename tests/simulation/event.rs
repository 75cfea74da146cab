//! Requests from JW and from others. For each of JW's requests, this module computes the message
//! that SQS must receive. It follows the documentation and does not use the function's code.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

const ATTACKERS_KEY: &str = "a key that an attacker made up, long enough";
const SITE: &str = "jsPxIVHl";

/// A webhook and its secret. Each rotation creates the next webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Webhook(pub usize);

impl Webhook {
    pub fn id(self) -> String {
        format!("webhook{}", self.0)
    }

    pub fn key(self) -> String {
        format!("the-secret-of-webhook-{}-32-bytes-or-more", self.0)
    }
}

/// The webhooks whose keys a secret's value contains. `None` if the value is invalid.
pub fn keys_of(value: &str) -> Option<Vec<Webhook>> {
    let number = |text: &str| text.parse().ok().map(Webhook);
    if let Some(rest) = value.strip_prefix("the-secret-of-webhook-") {
        return number(rest.split('-').next()?).map(|webhook| vec![webhook]);
    }
    let ring: serde_json::Map<String, serde_json::Value> = serde_json::from_str(value).ok()?;
    let webhooks: Option<Vec<_>> =
        ring.keys().map(|id| number(id.strip_prefix("webhook")?)).collect();
    webhooks.filter(|webhooks| !webhooks.is_empty())
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Good,
    /// Signed with a key that belongs to no webhook.
    ForgedKey,
    /// Names a webhook that does not exist, and is signed with a key that belongs to no webhook.
    UnknownWebhook,
    /// JW's token, in which an attacker replaced the payload but kept the signature.
    ForgedPayload,
    /// Signed by JW, but expired.
    Expired,
    /// JW's token with another body.
    OtherBody,
    NoAuthorization,
    WrongMethod,
    NoneAlgorithm,
}

impl Kind {
    /// Whether the function needs the secret to decide about this request.
    pub fn takes_secret(self) -> bool {
        !matches!(self, Kind::NoAuthorization | Kind::WrongMethod | Kind::NoneAlgorithm)
    }

    /// Whether this request fails the verification with every key.
    pub fn is_forged(self) -> bool {
        matches!(self, Kind::ForgedKey | Kind::UnknownWebhook | Kind::ForgedPayload)
    }

    /// The status and reason of the rejection, for a key ring or for a single secret.
    pub fn refusal(self, ring: bool) -> Option<(u16, &'static str)> {
        Some(match self {
            Kind::Good => return None,
            Kind::UnknownWebhook if ring => (401, "webhook_unknown"),
            Kind::ForgedKey | Kind::ForgedPayload | Kind::UnknownWebhook => {
                (401, "signature_invalid")
            }
            Kind::Expired => (401, "claims_not_valid"),
            Kind::OtherBody => (401, "body_mismatch"),
            Kind::NoAuthorization => (401, "authorization_missing"),
            Kind::WrongMethod => (405, "method_not_allowed"),
            Kind::NoneAlgorithm => (401, "algorithm_not_allowed"),
        })
    }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    pub kind: Kind,
    pub webhook: Webhook,
    /// The event's number. JW sends some events twice.
    pub number: usize,
}

/// A message as SQS receives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub body: String,
    /// Sorted by name.
    pub attributes: Vec<(String, String)>,
    pub group: Option<String>,
    pub deduplication: Option<String>,
}

impl Request {
    fn media_id(&self) -> String {
        format!("media{:06}", self.number)
    }

    fn claims(&self, webhook_id: &str, first: &str) -> String {
        format!(
            r#"{{{first}"event":"media_available","media_id":"{}","webhook_id":"{webhook_id}","site_id":"{SITE}","event_time":"2026-01-01T00:00:00+00:00"}}"#,
            self.media_id()
        )
    }

    fn own_claims(&self) -> String {
        match self.kind {
            Kind::UnknownWebhook => self.claims("unknown0", ""),
            Kind::Expired => self.claims(&self.webhook.id(), r#""exp":1700000000,"#),
            _ => self.claims(&self.webhook.id(), ""),
        }
    }

    pub fn token(&self) -> String {
        let claims = self.own_claims();
        let key = match self.kind {
            Kind::ForgedKey | Kind::UnknownWebhook => ATTACKERS_KEY.to_owned(),
            _ => self.webhook.key(),
        };
        let header = match self.kind {
            Kind::NoneAlgorithm => r#"{"alg":"none"}"#,
            _ => r#"{"alg":"HS256","typ":"JWT"}"#,
        };
        let signed = sign(header, &claims, &key);
        if self.kind != Kind::ForgedPayload {
            return signed;
        }
        let parts: Vec<_> = signed.split('.').collect();
        let other = BASE64_URL_SAFE_NO_PAD.encode(self.claims(&self.webhook.id(), r#""x":"","#));
        format!("{}.{other}.{}", parts[0], parts[2])
    }

    /// The Lambda event, with only the members that the function reads.
    pub fn invocation(&self, token: &str) -> String {
        let method = if self.kind == Kind::WrongMethod { "GET" } else { "POST" };
        let headers = match self.kind {
            Kind::NoAuthorization => json!({}),
            _ => json!({"authorization": format!("Bearer {token}")}),
        };
        let body = match self.kind {
            Kind::OtherBody => self.claims(&self.webhook.id(), r#""x":"","#),
            Kind::ForgedPayload => self.claims(&self.webhook.id(), r#""x":"","#),
            // the body has the same members as the claims, in another order
            _ if self.number % 2 == 1 => {
                let claims: serde_json::Value =
                    serde_json::from_str(&self.own_claims()).expect("JSON");
                claims.to_string()
            }
            _ => self.own_claims(),
        };
        json!({
            "version": "2.0",
            "headers": headers,
            "requestContext": {"http": {"method": method}},
            "body": body,
            "isBase64Encoded": false,
        })
        .to_string()
    }

    /// The hash of the claims as Python's `json.dumps` writes them: sorted, without white space, in
    /// ASCII.
    pub fn event_id(&self) -> String {
        let sorted = format!(
            r#"{{"event":"media_available","event_time":"2026-01-01T00:00:00+00:00","media_id":"{}","site_id":"{SITE}"}}"#,
            self.media_id()
        );
        hex::encode(Sha256::digest(sorted))
    }

    /// The message that a valid event must become.
    pub fn message(&self, fifo: bool) -> Message {
        let event_id = self.event_id();
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Message {
            body: self.own_claims(),
            attributes: vec![
                attribute("event", "media_available"),
                attribute("event_id", &event_id),
                attribute("media_id", &self.media_id()),
                attribute("site_id", SITE),
                attribute("webhook_id", &self.webhook.id()),
            ],
            group: Some(if fifo { self.media_id() } else { SITE.to_owned() }),
            deduplication: fifo.then_some(event_id),
        }
    }
}

fn sign(header: &str, claims: &str, key: &str) -> String {
    let input = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(claims)
    );
    let mut hmac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length");
    hmac.update(input.as_bytes());
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
}
