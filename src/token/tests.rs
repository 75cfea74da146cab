use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// The sample secret and event of JW's documentation, and the token that PyJWT makes of them.
const SECRET: &str = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn";
const EVENT: &str = r#"{"event":"media_available","media_id":"UUhbHm6C","webhook_id":"7Rav0hC5","site_id":"jsPxIVHl","event_time":"2023-11-14T22:30:10+00:00"}"#;
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJldmVudCI6Im1lZGlhX2F2YWlsYWJsZSIsIm1lZGlhX2lkIjoiVVVoYkhtNkMiLCJ3ZWJob29rX2lkIjoiN1JhdjBoQzUiLCJzaXRlX2lkIjoianNQeElWSGwiLCJldmVudF90aW1lIjoiMjAyMy0xMS0xNFQyMjozMDoxMCswMDowMCJ9.8h9tFQ_o4ZUq1aOa5M003WOU7hAGFgLQTzhbjfzZbsw";

impl<'t> VerifiedClaims<'t> {
    /// Claims that count as verified, for the tests of other modules.
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

#[test]
fn documented_sample_is_verified_and_signing_reproduces_its_token() {
    assert_eq!(verify(TOKEN, &ring(SECRET), EVENT).as_deref(), Ok(EVENT));
    assert_eq!(signed(EVENT), TOKEN);
}

#[test]
fn registered_claims_are_compared_to_the_second() {
    let verdict = |claims: &str| verify(&signed(claims), &ring(SECRET), claims).map(|_| ());
    for valid in [
        r#"{"exp":1700000001}"#,
        r#"{"exp":1.800000001e9}"#,
        r#"{"nbf":1700000000}"#,
        r#"{"iat":1700000000.5}"#,
    ] {
        assert_eq!(verdict(valid), Ok(()), "{valid}");
    }
    for not_valid in [
        r#"{"exp":1700000000}"#,
        r#"{"exp":1700000000.9}"#,
        r#"{"exp":1e999}"#,
        r#"{"nbf":1700000001}"#,
        r#"{"iat":1700000001}"#,
        r#"{"aud":null}"#,
    ] {
        assert_eq!(verdict(not_valid), Err(Refusal::ClaimsNotValid), "{not_valid}");
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
