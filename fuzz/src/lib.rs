//! The fuzz targets compare the forwarder with this crate: an HMAC, a JSON parser and an emulated
//! AWS, none of which use the forwarder's code.

pub mod event;
pub mod json;
pub mod stand_in;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use json::Json;
use jw_webhook_forwarder::json::Object;
use sha2::Sha256;

/// The sample secret in JW's documentation.
pub const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";

/// The header that JW sends.
pub const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

/// The sample event in JW's documentation.
pub const EVENT: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","event_time":"2023-11-14T22:30:10+00:00"}"#;

fn hmac(input: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
    hmac.update(input.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// A token with any header and claims, and a valid signature.
pub fn token(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", part(header), part(claims));
    let signature = part(&hmac(&input));
    format!("{input}.{signature}")
}

/// Whether JW may send these claims: an object without the registered claims of JWTs.
pub fn jw_may_send(claims: &[u8]) -> bool {
    const REGISTERED: [&str; 6] = ["exp", "nbf", "iat", "aud", "sub", "jti"];
    Object::parse(claims)
        .is_ok_and(|claims| REGISTERED.iter().all(|name| claims.get(name).is_none()))
}

/// Whether a text is a token that the secret signed, whatever algorithm its header names.
pub fn is_signed(text: &str) -> bool {
    let Some((input, signature)) = text.rsplit_once('.') else { return false };
    BASE64_URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| signature == hmac(input))
}

pub fn payload(token: &str) -> Vec<u8> {
    decode(parts(token)[1])
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("a token has three parts")
}

fn decode(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

/// Checks the message that the function sent for this token and body.
pub fn assert_queued(token: &str, body: &[u8], message: &str) {
    // The message is the payload, in which U+FFFE and U+FFFF are escaped. Its JSON value is the
    // same.
    let sent = json::parse(message.as_bytes()).expect("the message is JSON");
    assert_eq!(sent, json::parse(body).expect("the body is JSON"));
    if !message.contains("\\ufff") {
        assert_sound(token, body, message.as_bytes());
    }
}

/// Checks that the function may hold this token with this body.
pub fn assert_may_be_held(token: &str, body: &[u8]) {
    let payload = json::parse(&payload(token)).expect("the payload is JSON");
    assert!(matches!(payload, Json::Object(_)), "held without claims");
    assert_eq!(payload, json::parse(body).expect("the body is JSON"), "held with another body");
}

/// Checks that the function may accept this token with this body, and that `payload` is the token's
/// payload.
pub fn assert_sound(token: &str, body: &[u8], payload: &[u8]) {
    assert!(is_signed(token), "accepted without a valid signature");
    let header = json::parse(&decode(parts(token)[0])).expect("the header is JSON");
    let Json::Object(header) = header else { panic!("accepted without a header") };
    assert_eq!(header.get(b"alg".as_slice()), Some(&Json::Text(b"HS256".to_vec())));
    for name in ["crit", "b64", "enc", "zip"] {
        assert_eq!(header.get(name.as_bytes()), None, "accepted with {name}");
    }
    assert_eq!(self::payload(token), payload, "the payload differs from the signed payload");
    let claims = json::parse(payload).expect("the claims are JSON");
    assert!(matches!(claims, Json::Object(_)), "accepted without claims");
    assert_eq!(claims, json::parse(body).expect("the body is JSON"), "accepted with another body");
}
