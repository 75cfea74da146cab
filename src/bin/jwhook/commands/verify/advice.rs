//! What to do about a refusal, for the person who captured the request.

use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::rejection::Refusal;
use serde_json::{Map, Value};

use crate::keys;

/// The message and the advice for an event whose webhook has an unusable entry in the ring.
pub const DISABLED_ENTRY: (&str, &str) = (
    "the key ring's entry for this webhook holds no usable key",
    "run jwhook doctor to see what is wrong with the entry; until the entry is repaired, the function holds this webhook's events",
);

pub fn advice(refusal: Refusal, body: &[u8], ring: &KeyRing) -> String {
    match refusal {
        Refusal::WebhookUnknown => unknown(body, ring),
        Refusal::SignatureInvalid => signature(ring),
        Refusal::MethodNotAllowed => "JW sends only POST requests".to_owned(),
        Refusal::BodyTooLarge => "JW sends no event of this size: check that this is the body file".to_owned(),
        Refusal::ContentEncodingUnsupported => "JW sends no compressed bodies".to_owned(),
        Refusal::AuthorizationMissing => {
            "JW sends this header: find out which proxy removes it".to_owned()
        }
        Refusal::AuthorizationMalformed => {
            "check that the token is complete and on one line: JW sends `Bearer` and one token of \
             letters, digits, `-`, `_` and dots"
                .to_owned()
        }
        Refusal::TokenMalformed => {
            "check that the token is complete: it has three parts, separated by dots, in base64url \
             without padding"
                .to_owned()
        }
        Refusal::AlgorithmNotAllowed => {
            "JW signs only with HS256: somebody else made this token".to_owned()
        }
        Refusal::ClaimsMalformed => {
            "the signature is good, but JW sends no such claims: find out who else has the key"
                .to_owned()
        }
        Refusal::ClaimsNotValid => {
            "JW sends no exp, nbf, iat, aud, sub or jti, but this token has one of these claims, \
             which forbids its use (exp, nbf and iat are compared with --at)"
                .to_owned()
        }
        Refusal::BodyMalformed => {
            "the token is good: check that the body file holds only the body, without headers, \
             compression or base64"
                .to_owned()
        }
        Refusal::BodyMismatch => {
            "the token is good, but for another body: check that both files are of the same request; if \
             they are, a proxy changed the body"
                .to_owned()
        }
        Refusal::EventStale => {
            "the token is good: give the time when the request arrived with --at TIME, or another age \
             limit with --max-event-age. If JW sent the event too late, raise MaxEventAgeSeconds"
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
        Some(id) => format!("the body names webhook {}", keys::named([id])),
        None => "the body names no webhook".to_owned(),
    };
    format!(
        "{of}; the ring has keys for {has}. If jwhook list shows this webhook and it calls this \
         stack, its key is lost: run jwhook delete, then jwhook create"
    )
}

fn signature(ring: &KeyRing) -> String {
    let key = match ring {
        KeyRing::Single(_) => "the secret's single key",
        KeyRing::ByWebhook { .. } => "the webhook's key in the ring",
    };
    format!(
        "the token was not signed with {key}: either the token is not from JW, or the key is not \
         the secret that JW showed for this webhook. If the function refuses every event of the \
         webhook like this, replace the webhook: jwhook rotate ID"
    )
}
