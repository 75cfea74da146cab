//! JW's token: a compact JWS (RFC 7515) whose payload has the same members as the body.
//!
//! The crate `jsonwebtoken` only verifies the HMAC-SHA256 of the signing input. It is too lenient about
//! everything else, so this module checks the rest: canonical base64url, one algorithm, and no header parameter
//! that changes the meaning of the signature. Before the signature is verified, this module uses only the
//! header and the claim that selects the key.

mod hs256;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::json::{Object, Value};
#[cfg(any(test, feature = "cli"))]
use crate::key_ring::Key;
use crate::key_ring::{KeyRing, NoKey};
use crate::rejection::{NoSecret, Refusal, Rejection};

/// Header parameters that change what is signed or how the payload is read (RFC 7515, 4.1.11; RFC 7797;
/// RFC 7516). JW sends none of them.
const FORBIDDEN_PARAMETERS: [&str; 4] = ["crit", "b64", "enc", "zip"];

/// The longest token. The largest body takes 349,528 bytes in base64url. The other bytes are for the header,
/// the signature, and escapes that are longer in the token than in the body.
const MAX_BYTES: usize = 393_216;

/// Whether a text is 1 to 393,216 characters of base64url and dots.
pub fn is_token(text: &str) -> bool {
    (1..=MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A well-formed token with a valid header. Its signature is not verified yet.
pub struct UnverifiedToken<'t> {
    text: &'t str,
    signing_input: &'t str,
    signature: &'t str,
    payload: Vec<u8>,
}

/// An unverified token whose payload equals the request's body. Only [`UnverifiedToken::to_hold`] creates a
/// `HeldToken`, and the held queue takes nothing else.
pub struct HeldToken<'t>(&'t str);

impl<'t> HeldToken<'t> {
    /// The token's text.
    pub fn as_str(&self) -> &'t str {
        self.0
    }
}

/// Claims that are signed, valid now, and equal to the body. Only [`UnverifiedToken::verify`] creates
/// them.
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

    /// The claims in the payload.
    pub fn claims(&self) -> &Object<'t> {
        &self.claims
    }
}

impl<'t> UnverifiedToken<'t> {
    /// Parses a token's parts and checks its header. Does not parse the payload.
    pub fn parse(text: &'t str) -> Result<Self, Refusal> {
        let (signing_input, signature) = text.rsplit_once('.').ok_or(Refusal::TokenMalformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::TokenMalformed)?;
        let header = decode(header)?;
        let payload = decode(payload)?;
        decode(signature)?;
        let header = Object::parse(&header).map_err(|_| Refusal::TokenMalformed)?;
        if !is_plain_hs256(&header) {
            return Err(Refusal::AlgorithmNotAllowed);
        }
        Ok(Self { text, signing_input, signature, payload })
    }

    /// The unverified payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// If `body` equals the token's payload, returns the token to hold until a secret can verify it.
    pub fn to_hold(&self, body: &[u8]) -> Option<HeldToken<'t>> {
        let payload = Object::parse(&self.payload).ok()?;
        (Object::parse(body).ok()? == payload).then_some(HeldToken(self.text))
    }

    /// Checks that a key in the ring verifies the signature, that the claims are valid at `now`, and that
    /// `body` equals the payload. Returns the claims.
    pub fn verify(
        &self,
        ring: &KeyRing,
        body: &[u8],
        now: SystemTime,
    ) -> Result<VerifiedClaims<'_>, Rejection> {
        let claims = match ring {
            KeyRing::Single(key) => {
                self.verify_signature(key.bytes())?;
                Object::parse(&self.payload)
            }
            KeyRing::ByWebhook { .. } => {
                let unverified_claims = Object::parse(&self.payload);
                let webhook_id =
                    unverified_claims.as_ref().ok().and_then(|claims| claims.string("webhook_id"));
                let webhook_id = webhook_id.and_then(|id| std::str::from_utf8(id).ok());
                let key = ring.key(webhook_id).map_err(|error| match error {
                    NoKey::Unknown => Rejection::from(Refusal::WebhookUnknown),
                    NoKey::Disabled => NoSecret::Invalid.into(),
                })?;
                self.verify_signature(key.bytes())?;
                unverified_claims
            }
        };
        let claims = claims.map_err(|_| Refusal::ClaimsMalformed)?;
        if !registered_claims_allow(&claims, now) {
            return Err(Refusal::ClaimsNotValid.into());
        }
        if Object::parse(body).map_err(|_| Refusal::BodyMalformed)? != claims {
            return Err(Refusal::BodyMismatch.into());
        }
        let payload = std::str::from_utf8(&self.payload).map_err(|_| Refusal::ClaimsMalformed)?;
        Ok(VerifiedClaims { payload, claims })
    }

    fn verify_signature(&self, key: &[u8]) -> Result<(), Refusal> {
        if hs256::verify(self.signature, self.signing_input, key) {
            Ok(())
        } else {
            Err(Refusal::SignatureInvalid)
        }
    }
}

/// The token that JW would send with these claims. `claims` is the text of a JSON object.
#[cfg(any(test, feature = "cli"))]
pub fn sign(claims: &str, key: &Key) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signing_input = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hs256::sign(&signing_input, key.bytes()));
    format!("{signing_input}.{signature}")
}

/// Decodes base64url. Rejects padding, other alphabets, and unused bits that are set.
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

/// Whether the registered claims (RFC 7519, section 4.1) allow the token at `now`, as PyJWT decides in JW's
/// documented check, without leeway.
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
    // PyJWT truncates `exp` to whole seconds
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
