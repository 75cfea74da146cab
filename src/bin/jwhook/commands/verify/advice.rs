//! What a refusal means to the person who captured the request, and what to do about it.

use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::rejection::Refusal;
use serde_json::{Map, Value};

use crate::keys;

/// What happened and what to do where the ring's entry of the webhook is disabled.
pub const DISABLED_ENTRY: (&str, &str) = (
    "the key ring's entry of this webhook holds no usable key",
    "`jwhook doctor` says what is wrong with it. Until the entry is repaired, the function holds this webhook's events",
);

pub fn advice(refusal: Refusal, body: &[u8], ring: &KeyRing) -> String {
    match refusal {
        Refusal::WebhookUnknown => unknown(body, ring),
        Refusal::SignatureInvalid => signature(ring),
        Refusal::MethodNotAllowed => "JW's requests are POSTs".to_owned(),
        Refusal::BodyTooLarge => "no event of JW's is as large: is this the body file?".to_owned(),
        Refusal::ContentEncodingUnsupported => "JW compresses nothing".to_owned(),
        Refusal::AuthorizationMissing => "JW sends one: something in between removes it".to_owned(),
        Refusal::AuthorizationMalformed => {
            "is the token whole, and on one line? JW sends `Bearer` and one token of letters, \
             digits, `-`, `_` and dots"
                .to_owned()
        }
        Refusal::TokenMalformed => {
            "is the token whole? It has three parts with a dot between each, in base64url without \
             padding"
                .to_owned()
        }
        Refusal::AlgorithmNotAllowed => {
            "JW signs with HS256 and nothing else: somebody else made this token".to_owned()
        }
        Refusal::ClaimsMalformed => {
            "the signature is good, yet no event of JW's has such claims: who else has the key?"
                .to_owned()
        }
        Refusal::ClaimsNotValid => {
            "JW sends no exp, nbf, iat, aud, sub or jti; this token has one that says not to take it \
             (exp, nbf and iat as of --at)"
                .to_owned()
        }
        Refusal::BodyMalformed => {
            "the token is good: is the body file the body alone, without headers, not compressed \
             and not in base64?"
                .to_owned()
        }
        Refusal::BodyMismatch => {
            "the token is good and for another body: are the two files of the same request? If so, \
             the body was changed on its way"
                .to_owned()
        }
        Refusal::EventStale => {
            "the token is good: as of when it came, check it with --at TIME; another limit with \
             --max-event-age. A good event that came too late is JW's delay: raise \
             MaxEventAgeSeconds"
                .to_owned()
        }
    }
}

fn unknown(body: &[u8], ring: &KeyRing) -> String {
    let has = match ring {
        KeyRing::Single(_) => return signature(ring),
        KeyRing::ByWebhook { keys, .. } => keys::named(keys.keys().map(String::as_str)),
    };
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let of = match body.get("webhook_id").and_then(Value::as_str) {
        Some(id) => format!("the body says that it is of webhook {}", keys::named([id])),
        None => "the body names no webhook".to_owned(),
    };
    format!(
        "{of}; the ring has {has}. If the webhook is JW's and calls this endpoint (jwhook list), its \
         key is lost: jwhook delete it and create it anew"
    )
}

fn signature(ring: &KeyRing) -> String {
    let key = match ring {
        KeyRing::Single(_) => "the one key that the secret has",
        KeyRing::ByWebhook { .. } => "the key that the ring has for its webhook",
    };
    format!(
        "it wasn't signed with {key}: either it isn't JW's, or the key isn't the one that JW showed \
         for this webhook. If the webhook's every event is refused so, replace it: jwhook rotate ID"
    )
}
