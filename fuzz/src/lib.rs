//! What the fuzz targets hold the forwarder against: an HMAC, a JSON parser and an AWS that are not its own.

pub mod json;
pub mod stand_in;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use json::Json;
use sha2::Sha256;

/// JW's documentation's sample secret.
pub const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";

/// The header that JW sends.
pub const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

/// JW's documentation's sample event.
pub const EVENT: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","event_time":"2023-11-14T22:30:10+00:00"}"#;

fn hmac(input: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
    hmac.update(input.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// A token of any header and claims, rightly signed.
pub fn token(header: &[u8], claims: &[u8]) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", part(header), part(claims));
    let signature = part(&hmac(&input));
    format!("{input}.{signature}")
}

/// What has to be true of a token that was accepted with this body, and of which `payload` came out.
pub fn assert_sound(token: &str, body: &[u8], payload: &[u8]) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("accepted without three parts") };
    let decode = |part| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    assert_eq!(decode(signature), hmac(&format!("{header}.{claims}")), "accepted unsigned");
    let header = json::parse(&decode(header)).expect("the header is JSON");
    let Json::Object(header) = header else { panic!("accepted without a header") };
    assert_eq!(header.get(b"alg".as_slice()), Some(&Json::Text(b"HS256".to_vec())));
    for name in ["crit", "b64", "enc", "zip"] {
        assert_eq!(header.get(name.as_bytes()), None, "accepted with {name}");
    }
    assert_eq!(decode(claims), payload, "another payload than the signed one");
    let claims = json::parse(payload).expect("the claims are JSON");
    assert!(matches!(claims, Json::Object(_)), "accepted without claims");
    assert_eq!(claims, json::parse(body).expect("the body is JSON"), "accepted with another body");
}
