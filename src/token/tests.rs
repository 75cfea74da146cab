use std::time::Duration;

use ::hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::Sha256;

use super::*;

/// The sample secret and event of JW's documentation, and the token that PyJWT makes of them.
const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";
const EVENT: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","event_time":"2023-11-14T22:30:10+00:00"}"#;
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJldmVudCI6Im1lZGlhX2F2YWlsYWJsZSIsIm1lZGlhX2lkIjoiVVVoYkhtNkMiLCJ3ZWJob29rX2lkIjoiN1JhdjBoQzUiLCJzaXRlX2lkIjoianNQeElWSGwiLCJldmVudF90aW1lIjoiMjAyMy0xMS0xNFQyMjozMDoxMCswMDowMCJ9.8h9tFQ_o4ZUq1aOa5M003WOU7hAGFgLQTzhbjfzZbsw";
const OTHER_SECRET: &str = "another-webhooks-secret-of-32-bytes-or-more";

impl<'t> VerifiedClaims<'t> {
    /// For the tests of what comes after verification.
    pub(crate) fn for_test(payload: &'t str) -> Self {
        Self { payload, claims: Object::parse(payload.as_bytes()).unwrap() }
    }
}

fn ring(value: &str) -> KeyRing {
    KeyRing::parse(value.as_bytes()).unwrap().0
}

/// The token that JW would send with these claims of the sample webhook.
fn signed(claims: &str) -> String {
    sign(claims, ring(SECRET).key(None).unwrap())
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_700_000_000_500)
}

/// Verifies a token, and returns its payload.
fn verify(token: &str, ring: &KeyRing, body: &str) -> Result<String, Refusal> {
    let token = UnverifiedToken::parse(token)?;
    match token.verify(ring, body.as_bytes(), now()) {
        Ok(claims) => Ok(claims.payload().to_owned()),
        Err(Rejection::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other:?}"),
    }
}

/// A token with this header's text, signed with the sample secret.
fn with_header(header: &str) -> String {
    let signing_input = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(EVENT)
    );
    let mut hmac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    hmac.update(signing_input.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes());
    format!("{signing_input}.{signature}")
}

#[test]
fn documented_sample_is_verified_and_signed_byte_for_byte() {
    assert_eq!(verify(TOKEN, &ring(SECRET), EVENT).as_deref(), Ok(EVENT));
    assert_eq!(signed(EVENT), TOKEN);
}

#[test]
fn token_verifies_only_with_its_own_webhooks_key() {
    let own = ring(&format!(r#"{{"7Rav0hC5":"{SECRET}","c0Y6ebVU":"{OTHER_SECRET}"}}"#));
    let swapped = ring(&format!(r#"{{"7Rav0hC5":"{OTHER_SECRET}","c0Y6ebVU":"{SECRET}"}}"#));
    let without = ring(&format!(r#"{{"c0Y6ebVU":"{SECRET}"}}"#));
    assert_eq!(verify(TOKEN, &own, EVENT).as_deref(), Ok(EVENT));
    assert_eq!(verify(TOKEN, &swapped, EVENT).unwrap_err(), Refusal::SignatureInvalid);
    assert_eq!(verify(TOKEN, &without, EVENT).unwrap_err(), Refusal::WebhookUnknown);
}

#[test]
fn unreadable_claims_name_no_webhook_in_a_ring() {
    let ring = ring(&format!(r#"{{"7Rav0hC5":"{SECRET}"}}"#));
    for claims in [
        "[]",
        "{",
        r#"{"webhook_id":"7Rav0hC5","webhook_id":"7Rav0hC5"}"#,
        r#"{"webhook_id":7}"#,
        "{}",
    ] {
        let token = signed(claims);
        assert_eq!(verify(&token, &ring, claims).unwrap_err(), Refusal::WebhookUnknown, "{claims}");
    }
}

#[test]
fn token_without_three_canonical_parts_is_malformed() {
    let (signing_input, signature) = TOKEN.rsplit_once('.').unwrap();
    let (header, payload) = signing_input.split_once('.').unwrap();
    let unused_bits_set = format!("{signing_input}.{}x", &signature[..signature.len() - 1]); // lenient decoders read …w and …x alike
    for token in [
        String::new(),
        header.to_owned(),
        signing_input.to_owned(),
        format!("{TOKEN}.{signature}"),
        format!(".{TOKEN}"),
        format!("{TOKEN}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}A.{signature}"),
        unused_bits_set,
        format!(".{payload}.{signature}"),
        with_header("[]"),
        with_header("{}x"),
        with_header(r#"{"alg":"HS256","x":{"a":1,"a":2}}"#),
        with_header(r#"{"alg":"HS256","alg":"HS256"}"#),
    ] {
        assert_eq!(
            verify(&token, &ring(SECRET), EVENT).unwrap_err(),
            Refusal::TokenMalformed,
            "{token}"
        );
    }
}

#[test]
fn header_with_anything_but_plain_hs256_is_not_allowed() {
    for header in [
        "{}",
        r#"{"alg":"none"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":null}"#,
        r#"{"alg":"HS256","typ":"JWE"}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256","kid":7}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256","enc":null}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
    ] {
        assert_eq!(
            verify(&with_header(header), &ring(SECRET), EVENT).unwrap_err(),
            Refusal::AlgorithmNotAllowed,
            "{header}"
        );
    }
}

#[test]
fn header_may_have_any_order_and_unknown_members() {
    for header in [
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt","kid":"../../key","jku":"https://attacker.example","jwk":{"k":"AAAA"},"x5u":"y"}"#,
        r#" { "alg" : "\u0048S256" } "#,
    ] {
        assert!(
            verify(&with_header(header), &ring(SECRET), EVENT)
                .is_ok_and(|payload| payload == EVENT),
            "{header}"
        );
    }
}

#[test]
fn claims_that_are_not_a_strict_json_object_are_malformed() {
    for claims in ["[]", "{", "{} {}", r#"{"a":1,"a":1}"#, "\"x\"", ""] {
        let token = signed(claims);
        assert_eq!(
            verify(&token, &ring(SECRET), claims).unwrap_err(),
            Refusal::ClaimsMalformed,
            "{claims}"
        );
    }
}

#[test]
fn invalid_registered_claim_is_refused() {
    let verdict = |claims: &str| verify(&signed(claims), &ring(SECRET), claims).map(|_| ());
    for valid in [
        r#"{"exp":1700000001}"#,
        r#"{"exp":1.800000001e9}"#,
        r#"{"nbf":1700000000}"#,
        r#"{"iat":1700000000.5}"#,
        r#"{"iat":-1}"#,
        r#"{"aud":""}"#,
        r#"{"aud":[]}"#,
        r#"{"sub":"","jti":"x","iss":7}"#,
    ] {
        assert_eq!(verdict(valid), Ok(()), "{valid}");
    }
    for not_valid in [
        r#"{"exp":1700000000}"#,
        r#"{"exp":1700000000.9}"#,
        r#"{"exp":"1800000000"}"#,
        r#"{"exp":1e999}"#,
        r#"{"exp":null}"#,
        r#"{"exp":true}"#,
        r#"{"nbf":1700000001}"#,
        r#"{"nbf":"0"}"#,
        r#"{"iat":1700000001}"#,
        r#"{"iat":[]}"#,
        r#"{"aud":"x"}"#,
        r#"{"aud":["x"]}"#,
        r#"{"aud":null}"#,
        r#"{"sub":7}"#,
        r#"{"jti":null}"#,
    ] {
        assert_eq!(verdict(not_valid), Err(Refusal::ClaimsNotValid), "{not_valid}");
    }
}

#[test]
fn body_may_spell_the_signed_members_differently() {
    let reordered = r#" {"event_time":"2023-11-14T22:30:10+00:00", "site_id":"jsPxIVH\u006c","webhook_id":"7Rav0hC5","media_id":"UUhbHm6C","event":"media_available"}"#;
    assert_eq!(verify(TOKEN, &ring(SECRET), reordered).as_deref(), Ok(EVENT));
    for (body, refusal) in [
        ("", Refusal::BodyMalformed),
        ("[]", Refusal::BodyMalformed),
        (r#"{"event":"media_available","event":"media_available"}"#, Refusal::BodyMalformed),
        ("{}", Refusal::BodyMismatch),
        (&EVENT.replace("UUhbHm6C", "UUhbHm6D"), Refusal::BodyMismatch),
        (&EVENT.replace('}', r#","more":1}"#), Refusal::BodyMismatch),
    ] {
        assert_eq!(verify(TOKEN, &ring(SECRET), body).unwrap_err(), refusal, "{body}");
    }
}

proptest! {
    #[test]
    fn random_token_is_refused(token in r"[A-Za-z0-9_.-]{0,300}") {
        prop_assert!(verify(&token, &ring(SECRET), EVENT).is_err());
    }

    #[test]
    fn token_with_one_changed_character_is_refused(index in 0..TOKEN.len(), replacement in "[A-Za-z0-9_.-]") {
        let mut token = TOKEN.to_owned();
        token.replace_range(index..=index, &replacement);
        prop_assume!(token != TOKEN);
        prop_assert!(verify(&token, &ring(SECRET), EVENT).is_err());
    }
}

#[test]
fn token_is_held_only_if_the_body_equals_its_payload() {
    let held = |body: &str| {
        UnverifiedToken::parse(TOKEN).unwrap().to_hold(body.as_bytes()).map(|held| held.as_str())
    };
    assert_eq!(held(EVENT), Some(TOKEN));
    assert_eq!(held(&EVENT.replace(',', " , ").replace("event\"", "\\u0065vent\"")), Some(TOKEN));
    for other in [
        "",
        "[]",
        "{}",
        &EVENT.replace("UUhbHm6C", "UUhbHm6D"),
        &EVENT.replace('{', "{\"event\":1,"),
    ] {
        assert_eq!(held(other), None, "{other}");
    }
    let not_an_object = signed("[]");
    assert!(UnverifiedToken::parse(&not_an_object).unwrap().to_hold(b"[]").is_none());
}

#[test]
fn disabled_entry_is_our_fault() {
    let ring = ring(&format!(r#"{{"7Rav0hC5":"too short","c0Y6ebVU":"{OTHER_SECRET}"}}"#));
    let token = UnverifiedToken::parse(TOKEN).unwrap();
    let rejection = token.verify(&ring, EVENT.as_bytes(), now()).unwrap_err();
    assert_eq!(rejection, Rejection::from(NoSecret::Invalid));
}
