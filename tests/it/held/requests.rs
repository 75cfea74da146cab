//! The function holds a request if the request's token can only be checked with the secret, and if
//! the body equals the token's payload.

use super::{assert_held, forged, good};
use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, GetSecretValue, HoldMessage, MEDIA_AVAILABLE,
    OTHER_SECRET, Order, Reply, SECRET, SendMessage, all_at_once, event, millis, one_second_passes,
    padded, seconds, secret_outages, secret_refusals, token,
};
use serde_json::json;

const DENIED: Reply = Reply::Error(400, "AccessDeniedException");

/// A function without a secret.
async fn without_secret(aws: &Aws) -> Function {
    aws.always(GetSecretValue, DENIED);
    Function::of(aws).holding().start().await
}

#[tokio::test]
async fn event_is_held_if_a_cold_start_gets_no_secret() {
    let failures = secret_outages().into_iter().chain(secret_refusals());
    all_at_once(failures, async |failure| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        aws.always(GetSecretValue, failure);
        let function = Function::of(&aws).holding().start().await;
        let answer = function.invoke(&good()).within(seconds(4)).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert!(answer.log["secret_age_s"].is_null(), "{case}");
        assert_held([&good()], &aws, &function, &case);
        assert_eq!(aws.calls(SendMessage), 0, "{case}");
    })
    .await;
}

#[tokio::test]
async fn event_is_held_if_the_secret_has_no_usable_key() {
    let values = [
        String::new(),
        "too short".into(),
        "{}".into(),
        format!("[\"{SECRET}\"]"),
        json!({"7Rav0hC5": "too short"}).to_string(),
        format!("{{\"7Rav0hC5\":\"{SECRET}\""),
    ];
    all_at_once(values, async |value| {
        let aws = Aws::start().await;
        aws.keep(value.clone());
        let function = Function::of(&aws).holding().start().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "503 held secret_invalid", "{value}");
        assert_held([&good()], &aws, &function, &value);
    })
    .await;
}

#[tokio::test]
async fn event_is_held_if_its_webhooks_entry_is_disabled() {
    let aws = Aws::start().await;
    let twice = format!(
        r#"{{"7Rav0hC5":"too short","2yW4KmiG":"{OTHER_SECRET}","c0Y6ebVU":"{SECRET}","c0Y6ebVU":"{SECRET}"}}"#
    );
    aws.keep(twice);
    let function = Function::of(&aws).holding().start().await;
    let of_twice = Delivery::of(event(json!({"webhook_id": "c0Y6ebVU"})));
    for delivery in [good(), forged(), of_twice.clone()] {
        let answer = function.invoke(&delivery).await;
        assert_eq!(answer.verdict(), "503 held secret_invalid");
    }
    assert_held([&good(), &forged(), &of_twice], &aws, &function, "disabled");
    let of_another = Delivery::signed(CHANNEL_ACTIVE, OTHER_SECRET);
    assert_eq!(function.invoke(&of_another).await.verdict(), "200 accepted");
}

/// A function whose cached secret expires before the next request.
async fn expired(aws: &Aws, max_stale: &str) -> Function {
    let start = Function::of(aws).holding().short_lived_secret();
    let function = start.env("SECRET_MAX_STALE_SECONDS", max_stale).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    function
}

#[tokio::test]
async fn event_is_held_if_the_secret_expired_and_the_fetch_is_rejected() {
    all_at_once(secret_refusals(), async |refusal| {
        let case = format!("{refusal:?}");
        let aws = Aws::start().await;
        let function = expired(&aws, "86400").await;
        aws.always(GetSecretValue, refusal);
        one_second_passes().await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert_held([&good()], &aws, &function, &case);
    })
    .await;
}

#[tokio::test]
async fn event_is_held_if_the_secret_expired_and_its_new_value_is_invalid() {
    let aws = Aws::start().await;
    let function = expired(&aws, "86400").await;
    aws.keep("too short");
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 held secret_invalid");
    assert_held([&good()], &aws, &function, "invalid");
}

#[tokio::test]
async fn event_is_held_if_an_outage_outlasts_the_cached_secret() {
    let outages = [
        Reply::Hang,
        Reply::Error(503, "ServiceUnavailableException"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Break(Order::Reset),
    ];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        let function = expired(&aws, "3").await;
        aws.always(GetSecretValue, outage);
        one_second_passes().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        tokio::time::sleep(millis(2_100)).await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert_held([&good()], &aws, &function, &case);
    })
    .await;
}

#[tokio::test]
async fn event_is_held_if_the_recheck_fails() {
    let unusable = Reply::Altered(json!({"SecretString": "too short"}));
    let failures = [
        (Reply::Error(500, "InternalServiceError"), "503 held secret_unavailable"),
        (Reply::Error(400, "ThrottlingException"), "503 held secret_unavailable"),
        (Reply::Break(Order::Reset), "503 held secret_unavailable"),
        (Reply::Hang, "503 held secret_unavailable"),
        (DENIED, "503 held secret_unavailable"),
        (Reply::Error(400, "ResourceNotFoundException"), "503 held secret_unavailable"),
        (unusable, "503 held secret_invalid"),
    ];
    let unknown = Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET);
    let cases = failures.into_iter().flat_map(|(failure, verdict)| {
        [&forged(), &unknown].map(|d| (failure.clone(), verdict, d.clone()))
    });
    all_at_once(cases, async |(failure, verdict, delivery)| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        aws.keep(json!({"7Rav0hC5": SECRET}));
        let function = Function::of(&aws).holding().start().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        aws.always(GetSecretValue, failure);
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict, "{case}");
        assert_held([&delivery], &aws, &function, &case);
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
    })
    .await;
}

#[tokio::test]
async fn held_message_is_only_the_token_whatever_the_claims_are() {
    let expired = Delivery::of(event(json!({"exp": 1})));
    let large = token(r#"{"alg":"HS256","typ":"JWT"}"#, padded(294_851), SECRET);
    assert_eq!(large.len(), 393_216);
    let with_kid = token(r#"{"alg":"HS256","kid":"7Rav0hC5"}"#, MEDIA_AVAILABLE, SECRET);
    let deliveries = [
        good().in_base64(),
        expired,
        good().token(&large),
        good().token(&with_kid),
        forged(),
        Delivery::of("{}"),
        Delivery::of(event(json!({"title": "é\u{1F600}\u{fffe}\u{0}"}))),
        Delivery::of(event(json!({"title": "x".repeat(200_000)}))),
    ];
    for fifo in [false, true] {
        let aws = Aws::start().await;
        aws.always(GetSecretValue, DENIED);
        let start = Function::of(&aws).holding();
        let function = if fifo { start.fifo() } else { start }.start().await;
        for delivery in &deliveries {
            let answer = function.invoke(delivery).await;
            assert_eq!(answer.verdict(), "503 held secret_unavailable");
        }
        assert_held(&deliveries, &aws, &function, "any claims");
    }
}

#[tokio::test]
async fn event_is_held_if_body_and_token_differ_only_in_order_and_spelling() {
    let claims = r#"{"a":"é/b","n":[1.50,{"x":null,"y":true}],"z":"1"}"#;
    let bodies = [
        r#"{"z":"1","a":"é/b","n":[1.50,{"y":true,"x":null}]}"#,
        r#" { "a" : "\u00e9\/\u0062", "n" : [ 1.50 , { "x":null,"y":true } ],"\u007a":"1" } "#,
    ];
    let aws = Aws::start().await;
    let function = without_secret(&aws).await;
    let deliveries = bodies.map(|body| Delivery::of(claims).body(body));
    for delivery in &deliveries {
        let answer = function.invoke(delivery).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable");
    }
    // both deliveries have the same token
    assert_held(&deliveries[..1], &aws, &function, "another order and spelling");
}

#[tokio::test]
async fn request_whose_body_differs_from_its_token_is_neither_held_nor_counted_as_lost() {
    let claims = r#"{"a":"1","b":1,"c":9007199254740993}"#;
    let bodies = [
        "",
        "[",
        "{}",
        "null",
        r#"{"a":"1","b":1}"#,
        r#"{"a":"1","b":1,"c":9007199254740993,"d":1}"#,
        r#"{"a":"2","b":1,"c":9007199254740993}"#,
        r#"{"a":1,"b":1,"c":9007199254740993}"#,
        r#"{"a":"1","b":true,"c":9007199254740993}"#,
        r#"{"a":"1","b":1.0,"c":9007199254740993}"#,
        r#"{"a":"1","b":1,"c":9007199254740992}"#,
        r#"{"a":"1","a":"1","b":1,"c":9007199254740993}"#,
    ];
    let mut deliveries: Vec<_> = bodies.map(|body| Delivery::of(claims).body(body)).into();
    // a body that is not a JSON object never equals the payload, even if the bytes are the same
    let no_objects = ["[]", "7", "", "{", r#"{"a":1,"a":1}"#];
    deliveries.extend(no_objects.map(Delivery::of));
    let aws = Aws::start().await;
    let function = without_secret(&aws).await;
    for (number, delivery) in deliveries.iter().enumerate() {
        let answer = function.invoke(delivery).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable", "case {number}");
        assert!(!answer.is_lost(), "case {number}");
    }
    assert_eq!(aws.calls(HoldMessage), 0);
    assert_held([], &aws, &function, "another body");
}

#[tokio::test]
async fn request_refused_before_the_secret_is_needed_is_not_held() {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let signed = token(header, MEDIA_AVAILABLE, SECRET);
    let cases = [
        ("405 method_not_allowed", good().method("GET")),
        ("413 body_too_large", good().body(padded(262_145))),
        ("415 content_encoding_unsupported", good().header("content-encoding", "gzip")),
        ("401 authorization_missing", good().without_header("authorization")),
        ("401 authorization_malformed", good().header("authorization", format!("Basic {signed}"))),
        ("401 token_malformed", good().token("a.b.c")),
        ("401 token_malformed", good().token(&signed.replacen('.', "..", 1))),
        ("401 token_malformed", good().token(&token("[]", MEDIA_AVAILABLE, SECRET))),
        ("401 algorithm_not_allowed", good().token(&token(r#"{"alg":"none"}"#, "{}", SECRET))),
        (
            "401 algorithm_not_allowed",
            good().token(&token(r#"{"alg":"HS256","crit":["exp"]}"#, MEDIA_AVAILABLE, SECRET)),
        ),
    ];
    let aws = Aws::start().await;
    let function = without_secret(&aws).await;
    for (verdict, delivery) in cases {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    }
    assert_eq!(aws.calls(HoldMessage), 0);
}

#[tokio::test]
async fn event_is_not_held_while_a_secret_is_available() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    assert_eq!(function.invoke(&forged()).await.verdict(), "401 signature_invalid");
    assert_eq!(function.invoke(&good().body("{}")).await.verdict(), "401 body_mismatch");
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    assert_eq!(function.invoke(&good()).await.verdict(), "503 queue_refused");
    assert_eq!(function.undelivered().len(), 1, "a verified event has an undelivered record");
    assert_eq!(aws.calls(HoldMessage), 0);
}
