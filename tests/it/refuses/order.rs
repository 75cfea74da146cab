//! The order of the checks. Each request here fails one check and, where possible, all later checks
//! too.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Reply, SECRET,
    SendMessage, event, seconds, sign, token,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

const HEADER: &str = r#"{"alg":"HS256"}"#;
const TWICE: &str = r#"{"webhook_id":"7Rav0hC5","exp":0,"exp":0}"#;
const EXPIRED: &str = r#"{"webhook_id":"7Rav0hC5","exp":0}"#;

fn shown(token: &str) -> Delivery {
    Delivery::of(MEDIA_AVAILABLE).token(token).body("[")
}

#[tokio::test]
async fn first_failed_check_gives_the_reason_before_the_secret_is_needed() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let function = Function::start(&aws).await;
    let bad = Delivery::of(MEDIA_AVAILABLE).without_header("authorization");
    let large = vec![b'['; 262_145];
    let padded = token(r#"{"alg":"none","crit":[]}"#, "[", OTHER_SECRET) + "="; // `=` is in no token
    let cut = token(r#"{"alg":"none","crit":[]}"#, "[", OTHER_SECRET) + "AA";
    let cases = [
        (
            "405 method_not_allowed",
            bad.clone().method("GET").header("content-encoding", "gzip").body(&large),
        ),
        ("413 body_too_large", bad.clone().header("content-encoding", "gzip").body(&large)),
        (
            "415 content_encoding_unsupported",
            bad.clone().header("content-encoding", "gzip").body("["),
        ),
        ("401 authorization_missing", bad.body("[")),
        ("401 authorization_malformed", shown(&padded)),
        ("401 token_malformed", shown(&cut)),
        ("401 algorithm_not_allowed", shown(&token(r#"{"alg":"none"}"#, "[", OTHER_SECRET))),
        ("503 secret_unavailable", shown(&token(HEADER, "[", OTHER_SECRET))),
    ];
    for (verdict, delivery) in cases {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    }
    aws.always(GetSecretValue, Reply::Normal);
    aws.keep("too short");
    let forged = shown(&token(HEADER, "[", OTHER_SECRET));
    function.until_verdict("503 secret_invalid", &forged, seconds(3)).await;
    assert_eq!(aws.calls(SendMessage), 0);
}

#[tokio::test]
async fn first_failed_check_gives_the_reason_after_the_secret_is_fetched() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    aws.always(SendMessage, Reply::Error(403, "AccessDeniedException"));
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    let claims = |text: &str| shown(&token(HEADER, text, SECRET));
    let unsigned = |text: &str| {
        let input = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(HEADER),
            BASE64_URL_SAFE_NO_PAD.encode(text)
        );
        shown(&format!("{input}.{}", sign(&input, OTHER_SECRET)))
    };
    let cases = [
        ("401 webhook_unknown", unsigned("[")),
        ("401 webhook_unknown", unsigned(&event(json!({"webhook_id": "c0Y6ebVU", "exp": 0})))),
        ("401 signature_invalid", unsigned(EXPIRED)),
        ("401 claims_not_valid", claims(EXPIRED)),
        ("400 body_malformed", claims(MEDIA_AVAILABLE)),
        ("401 body_mismatch", claims(MEDIA_AVAILABLE).body("{}")),
        ("401 event_stale", claims(MEDIA_AVAILABLE).body(MEDIA_AVAILABLE)),
    ];
    for (verdict, delivery) in cases {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    }
    assert_eq!(aws.calls(SendMessage), 0);
}

#[tokio::test]
async fn with_a_single_secret_the_signature_is_verified_before_the_claims_are_parsed() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(403, "AccessDeniedException"));
    let function = Function::start(&aws).await;
    let cases = [
        ("401 signature_invalid", shown(&token(HEADER, TWICE, OTHER_SECRET))),
        ("401 signature_invalid", shown(&token(HEADER, b"\xff", OTHER_SECRET))),
        ("401 claims_malformed", shown(&token(HEADER, TWICE, SECRET))),
        ("401 claims_malformed", shown(&token(HEADER, b"\xff", SECRET))),
    ];
    for (verdict, delivery) in cases {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    }
    assert_eq!(aws.calls(SendMessage), 0);
    assert_eq!(
        function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(),
        "503 queue_refused"
    );
}
