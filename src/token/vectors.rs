//! Public test vectors, checked with our rules.

use std::time::Duration;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    key: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: serde_json::Value,
    jws: String,
    result: String,
    ours: String,
    why: Option<String>,
    now: Option<u64>,
}

/// The vectors, each with its key.
fn vectors() -> Vec<(Vec<u8>, Vector)> {
    let file: File = serde_json::from_str(include_str!("../../tests/vectors/hs256.json")).unwrap();
    let with_key = |group: Group| {
        let key = BASE64_URL_SAFE_NO_PAD.decode(group.key).unwrap();
        group.vectors.into_iter().map(move |vector| (key.clone(), vector))
    };
    file.groups.into_iter().flat_map(with_key).collect()
}

/// Our verdict on a vector's token. The request's body is the token's payload.
fn verdict(key: &[u8], vector: &Vector) -> &'static str {
    let payload = vector.jws.split('.').nth(1).unwrap_or_default();
    let body = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let now = match vector.now {
        Some(seconds) => UNIX_EPOCH + Duration::from_secs(seconds),
        None => SystemTime::now(),
    };
    let ring = KeyRing::Single(Key::for_test(key));
    let verified = UnverifiedToken::parse(&vector.jws)
        .map_err(Rejection::from)
        .and_then(|token| token.verify(&ring, &body, now).map(|_| ()));
    verified.map_or_else(Rejection::reason, |()| "accepted")
}

#[test]
fn every_public_hs256_vector_gets_our_expected_verdict() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 46);
    for (key, vector) in &vectors {
        assert_eq!(verdict(key, vector), vector.ours, "{}", vector.id);
    }
}

#[test]
fn vector_has_an_explanation_only_if_our_verdict_differs_from_it() {
    for (key, vector) in &vectors() {
        let verdict = verdict(key, vector);
        let signed = matches!(verdict, "accepted" | "claims_malformed" | "claims_not_valid");
        let differs = signed != (vector.result == "valid");
        assert_eq!(vector.why.is_some(), differs, "{}: {verdict}", vector.id);
    }
}

#[test]
fn no_public_vector_verifies_with_another_key() {
    for (mut key, vector) in vectors() {
        key[0] ^= 1;
        let verdict = verdict(&key, &vector);
        let refused = ["token_malformed", "algorithm_not_allowed", "signature_invalid"];
        assert!(refused.contains(&verdict), "{}: {verdict}", vector.id);
    }
}
