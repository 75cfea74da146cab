//! Tokens that no key in the secret verifies.

use super::token::{HEADER, parts, shown};
use super::{all_refused, refused_by};
use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, event, sign,
    token,
};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

#[tokio::test]
async fn event_of_a_webhook_that_is_not_in_the_ring_is_refused() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::start(&aws).await;
    let claims = [
        event(json!({"webhook_id": "c0Y6ebVU"})),
        event(json!({"webhook_id": null})),
        event(json!({"webhook_id": 7})),
        event(json!({"webhook_id": ["7Rav0hC5"]})),
        event(json!({"webhook_id": ""})),
        event(json!({"webhook_id": "7rav0hc5"})),
        event(json!({"webhook_id": "7Rav0hC5 "})),
        event(json!({"webhook_id": null, "data": {"webhook_id": "7Rav0hC5"}})),
        // Malformed claims name no webhook.
        "not JSON".into(),
        r#""7Rav0hC5""#.into(),
        r#"["7Rav0hC5"]"#.into(),
        r#"{"webhook_id":"7Rav0hC5","webhook_id":"7Rav0hC5"}"#.into(),
        r#"{"webhook_id":"7Rav0hC5""#.into(),
    ];
    let cases = claims.map(|claims| (claims.clone(), Delivery::of(claims)));
    refused_by(&function, &aws, "401 webhook_unknown", cases).await;
    let bytes = Delivery::of(b"{\"webhook_id\":\"7Rav0hC5\",\"a\":\"\xff\"}");
    refused_by(&function, &aws, "401 webhook_unknown", [("not UTF-8", bytes)]).await;
}

#[tokio::test]
async fn token_is_verified_only_with_its_own_webhooks_key() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET, "2yW4KmiG": OTHER_SECRET}));
    let function = Function::start(&aws).await;
    let body_of_the_other = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET).body(CHANNEL_ACTIVE);
    let named = token(r#"{"alg":"HS256","kid":"2yW4KmiG"}"#, MEDIA_AVAILABLE, OTHER_SECRET);
    let cases = [
        ("7Rav0hC5's event, 2yW4KmiG's key", Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)),
        ("2yW4KmiG's event, 7Rav0hC5's key", Delivery::signed(CHANNEL_ACTIVE, SECRET)),
        ("the body names the other webhook", body_of_the_other),
        ("the header names the other webhook", shown(&named)),
    ];
    refused_by(&function, &aws, "401 signature_invalid", cases).await;
    for (claims, key) in [(MEDIA_AVAILABLE, SECRET), (CHANNEL_ACTIVE, OTHER_SECRET)] {
        assert_eq!(function.invoke(&Delivery::signed(claims, key)).await.verdict(), "200 accepted");
    }
}

#[tokio::test]
async fn invalid_signature_is_refused() {
    let [header, claims, signature] = parts();
    let input = format!("{header}.{claims}");
    let raw = BASE64_URL_SAFE_NO_PAD.decode(&signature).expect("canonical");
    let with = |signature: &[u8]| format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    let flipped = |index: usize| {
        let mut raw = raw.clone();
        raw[index] ^= 1;
        with(&raw)
    };
    let decoded = BASE64_STANDARD.encode(SECRET); // an encoded key is another key
    let upper = parts().map(|part| part.to_uppercase())[2].clone();
    let cases = [
        ("another key", token(HEADER, MEDIA_AVAILABLE, OTHER_SECRET)),
        ("another spelling of the key", token(HEADER, MEDIA_AVAILABLE, &decoded)),
        ("the key and a newline", token(HEADER, MEDIA_AVAILABLE, format!("{SECRET}\n"))),
        ("an empty key", token(HEADER, MEDIA_AVAILABLE, "")),
        ("none", format!("{input}.")),
        ("first bit", flipped(0)),
        ("last bit", flipped(31)),
        ("one byte too short", with(&raw[..31])),
        ("one byte too long", with(&[raw.as_slice(), &[0]].concat())),
        ("twice", with(&[raw.as_slice(), &raw].concat())),
        ("all zero", with(&[0; 32])),
        ("in hex", with(hex::encode(&raw).as_bytes())),
        ("signature of only the claims", format!("{input}.{}", sign(&claims, SECRET))),
        (
            "signature of other claims",
            format!("{input}.{}", sign(&format!("{header}.e30"), SECRET)),
        ),
        (
            "signature of another header",
            format!("{input}.{}", sign(&format!("e30.{claims}"), SECRET)),
        ),
        ("signature of nothing", format!("{input}.{}", sign("", SECRET))),
        ("changed case", with(&BASE64_URL_SAFE_NO_PAD.decode(&upper[..40]).expect("still base64"))),
    ];
    all_refused("401 signature_invalid", cases.map(|(case, token)| (case, shown(&token)))).await;
}

#[tokio::test]
async fn secret_is_used_as_the_key_without_decoding() {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(SECRET).expect("it looks like base64url");
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let token = token(HEADER, MEDIA_AVAILABLE, decoded);
    refused_by(&function, &aws, "401 signature_invalid", [("decoded", shown(&token))]).await;
}
