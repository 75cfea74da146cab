//! JW's token: a compact JWS (RFC 7515) whose payload is the body's members.
//!
//! A library checks the signature. What it would be lenient about is checked here, before: one
//! spelling of base64url, one algorithm, no header that changes what the signature means. Nothing is
//! parsed before it is authenticated but the header, and the claim that says whose key to use.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;

use crate::json::{Object, Value};
use crate::key_ring::{Key, KeyRing};
use crate::rejection::Refusal;

/// Header parameters that change what is signed or how the payload is read (RFC 7515, 4.1.11;
/// RFC 7797; RFC 7516). JW sends none, and a token that has one is not the kind we verify.
const FORBIDDEN_PARAMETERS: [&str; 4] = ["crit", "b64", "enc", "zip"];

/// A token whose form and header are right, and of which nothing is believed yet.
#[derive(Debug)]
pub struct UnverifiedToken<'h> {
    signing_input: &'h str,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

/// Claims that were signed, are valid now, and are the body's members. Only
/// [`UnverifiedToken::verify`] makes them.
#[derive(Debug)]
pub struct VerifiedClaims<'t> {
    payload: &'t str,
    claims: Object<'t>,
}

impl<'t> VerifiedClaims<'t> {
    /// The signed payload, byte for byte.
    pub fn payload(&self) -> &'t str {
        self.payload
    }

    /// The claims that it holds.
    pub fn claims(&self) -> &Object<'t> {
        &self.claims
    }
}

impl<'h> UnverifiedToken<'h> {
    /// Reads a token's parts and checks its header, without looking into its payload.
    pub fn parse(token: &'h str) -> Result<Self, Refusal> {
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Refusal::TokenMalformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::TokenMalformed)?;
        let header = decode(header)?;
        let payload = decode(payload)?;
        let signature = decode(signature)?;
        let header = Object::parse(&header).map_err(|_| Refusal::TokenMalformed)?;
        if !is_plain_hs256(&header) {
            return Err(Refusal::AlgorithmNotAllowed);
        }
        Ok(Self { signing_input, signature, payload })
    }

    /// The claims, if a key of the ring signed it, they are valid now, and `body` has the same
    /// members and values.
    pub fn verify(
        &self,
        ring: &KeyRing,
        body: &[u8],
        now: SystemTime,
    ) -> Result<VerifiedClaims<'_>, Refusal> {
        let claims = match ring {
            KeyRing::Single(key) => {
                self.verify_signature(key)?;
                Object::parse(&self.payload)
            }
            KeyRing::ByWebhook(keys) => {
                let unverified_claims = Object::parse(&self.payload);
                let webhook_id =
                    unverified_claims.as_ref().ok().and_then(|claims| claims.string("webhook_id"));
                let key = webhook_id.and_then(|id| keys.get(std::str::from_utf8(id).ok()?));
                self.verify_signature(key.ok_or(Refusal::WebhookUnknown)?)?;
                unverified_claims
            }
        };
        let claims = claims.map_err(|_| Refusal::ClaimsMalformed)?;
        if !registered_claims_allow(&claims, now) {
            return Err(Refusal::ClaimsNotValid);
        }
        if Object::parse(body).map_err(|_| Refusal::BodyMalformed)? != claims {
            return Err(Refusal::BodyMismatch);
        }
        let payload = std::str::from_utf8(&self.payload).map_err(|_| Refusal::ClaimsMalformed)?;
        Ok(VerifiedClaims { payload, claims })
    }

    fn verify_signature(&self, key: &Key) -> Result<(), Refusal> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.bytes());
        hmac::verify(&key, self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| Refusal::SignatureInvalid)
    }
}

/// The token that JW would send with these claims, a JSON object's text.
pub fn sign(claims: &str, key: &[u8]) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signing_input = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signing_input.as_bytes()));
    format!("{signing_input}.{signature}")
}

/// The engine takes no padding, no other alphabet and no unused bits that are set.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::TokenMalformed)
}

fn is_plain_hs256(header: &Object<'_>) -> bool {
    let typ_allows = match header.get("typ") {
        None => true,
        Some(Value::String(typ)) => typ.eq_ignore_ascii_case(b"JWT"),
        Some(_) => false,
    };
    header.string("alg") == Some(b"HS256")
        && FORBIDDEN_PARAMETERS.iter().all(|parameter| header.get(parameter).is_none())
        && typ_allows
        && matches!(header.get("kid"), None | Some(Value::String(_)))
}

/// The registered claims (RFC 7519, 4.1), read as PyJWT reads them in JW's documented check, without leeway.
fn registered_claims_allow(claims: &Object<'_>, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let date = |name, allows: &dyn Fn(f64) -> bool| {
        claims.get(name).is_none_or(|value| numeric_date(value).is_some_and(allows))
    };
    let string = |name| matches!(claims.get(name), None | Some(Value::String(_)));
    let aud_is_empty = match claims.get("aud") {
        None => true,
        Some(Value::String(aud)) => aud.is_empty(),
        Some(Value::Array(aud)) => aud.is_empty(),
        Some(_) => false,
    };
    // PyJWT cuts a date to whole seconds
    date("exp", &|exp| exp.trunc() > now)
        && date("nbf", &|nbf| nbf <= now)
        && date("iat", &|iat| iat <= now)
        && aud_is_empty
        && string("sub")
        && string("jti")
}

fn numeric_date(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Number(number) => number.parse().ok().filter(|date: &f64| date.is_finite()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
