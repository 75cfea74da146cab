//! Bad claims under a valid signature.

use super::{all_refused, refused_by};
use crate::support::{Aws, Delivery, Function, at, event};
use serde_json::{Value, json};

#[tokio::test]
async fn claims_that_are_not_a_json_object_are_malformed() {
    let claims: [&[u8]; 27] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b"\"a\"",
        b"[]",
        b"[{}]",
        b"{",
        b"{}}",
        b"{}{}",
        b"{} x",
        br#"{"a":1,}"#,
        br#"{"a" 1}"#,
        br#"{a:1}"#,
        br#"{'a':1}"#,
        br#"{"a":01}"#,
        br#"{"a":+1}"#,
        br#"{"a":.5}"#,
        br#"{"a":1.}"#,
        br#"{"a":0x1}"#,
        br#"{"a":NaN}"#,
        br#"{"a":Infinity}"#,
        br#"{"a":-Infinity}"#,
        b"{\"a\":\"\n\"}",
        br#"{"a":"\x"}"#,
        br#"{"a":"\u12"}"#,
    ];
    let cases =
        claims.map(|claims| (String::from_utf8_lossy(claims).into_owned(), Delivery::of(claims)));
    all_refused("401 claims_malformed", cases).await;
}

#[tokio::test]
async fn claims_with_a_duplicate_member_at_any_depth_are_malformed() {
    let claims = [
        r#"{"a":"1","a":"1"}"#,
        r#"{"a":"1","b":"2","a":"3"}"#,
        r#"{"webhook_id":"7Rav0hC5","webhook_id":"7Rav0hC5"}"#,
        r#"{"a":"1","\u0061":"1"}"#,
        "{\"é\":1,\"\\u00E9\":1}",
        "{\"\u{1F600}\":1,\"\\ud83d\\ude00\":1}",
        r#"{"\ud800":1,"\uD800":1}"#,
        r#"{"":1,"":2}"#,
        r#"{"a":{"b":1,"b":1}}"#,
        r#"{"a":[{"b":[{"c":1,"d":2,"c":1}]}]}"#,
    ];
    all_refused("401 claims_malformed", claims.map(|claims| (claims, Delivery::of(claims)))).await;
}

#[tokio::test]
async fn claims_nested_more_than_64_deep_are_malformed() {
    let arrays =
        |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let cases = [
        ("arrays, 65", Delivery::of(arrays(65))),
        ("objects, 65", Delivery::of(objects(65))),
        ("arrays, 80,000", Delivery::of(arrays(80_000))),
        ("never closed", Delivery::of(r#"{"a":"#.to_owned() + &"[".repeat(100_000))),
    ];
    all_refused("401 claims_malformed", cases).await;
}

#[tokio::test]
async fn claims_that_are_not_utf8_are_malformed() {
    let claims: [(&str, &[u8]); 7] = [
        ("a stray byte", b"{\"a\":\"\xff\"}"),
        ("in a name", b"{\"\xff\":\"a\"}"),
        ("cut short", b"{\"a\":\"\xc3\"}"),
        ("overlong", b"{\"a\":\"\xc0\xaf\"}"),
        ("a surrogate", b"{\"a\":\"\xed\xa0\x80\"}"),
        ("a byte order mark", b"\xef\xbb\xbf{\"a\":\"b\"}"),
        ("UTF-16", b"\xff\xfe{\0}\0"),
    ];
    all_refused("401 claims_malformed", claims.map(|(case, claims)| (case, Delivery::of(claims))))
        .await;
}

#[tokio::test]
async fn event_with_an_invalid_registered_claim_is_refused() {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let changes = [
        json!({"exp": now - 1}),
        json!({"exp": now as f64 - 0.5}),
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": (now + 60).to_string()}),
        json!({"exp": true}),
        json!({"exp": [now + 60]}),
        json!({"nbf": now + 60}),
        json!({"nbf": now as f64 + 60.5}),
        json!({"nbf": "0"}),
        json!({"nbf": false}),
        json!({"nbf": {}}),
        json!({"iat": now + 60}),
        json!({"iat": now as f64 + 60.5}),
        json!({"iat": "0"}),
        json!({"iat": true}),
        json!({"iat": []}),
        json!({"aud": "jw"}),
        json!({"aud": ["jw"]}),
        json!({"aud": [""]}),
        json!({"aud": {"a": 1}}),
        json!({"aud": 1}),
        json!({"aud": true}),
        json!({"sub": 1}),
        json!({"sub": ["a"]}),
        json!({"sub": {}}),
        json!({"sub": true}),
        json!({"jti": 1}),
        json!({"jti": ["a"]}),
        json!({"jti": {}}),
        json!({"jti": false}),
    ];
    let cases = changes.map(|change| (change.to_string(), Delivery::of(event(change))));
    all_refused("401 claims_not_valid", cases).await;
}

#[tokio::test]
async fn registered_claim_with_the_value_null_is_refused() {
    let claims = ["exp", "nbf", "iat", "sub", "jti"].map(|name| format!(r#"{{"{name}":null}}"#));
    all_refused(
        "401 claims_not_valid",
        claims.map(|claims| (claims.clone(), Delivery::of(claims))),
    )
    .await;
}

#[tokio::test]
async fn nested_registered_claims_are_ignored() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let claims = event(json!({"data": {"exp": 0, "aud": "jw", "sub": 1}}));
    assert_eq!(function.invoke(&Delivery::of(claims)).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn event_outside_the_age_limit_is_stale() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    let times = [
        json!(at(-610)),
        json!(at(310)),
        json!("2023-11-14T22:30:10+00:00"),
        json!("9999-12-31T23:59:59+00:00"),
        // Missing or malformed.
        json!(null),
        json!(""),
        json!("now"),
        json!(at(0).replace("+00:00", "")),
        json!(&at(0)[..10]),
        json!(at(0).replace("T", "")),
        json!(at(0) + " "),
        json!(1_700_000_000),
        json!([at(0)]),
        json!({}),
        json!("2023-02-30T00:00:00+00:00"),
    ];
    let stale = |time: &Value| (time.to_string(), Delivery::of(event(json!({"event_time": time}))));
    refused_by(&function, &aws, "401 event_stale", times.iter().map(stale)).await;
}

#[tokio::test]
async fn event_age_takes_the_utc_offset_into_account() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    let shifted = |offset: i64, spelled: &str| at(offset).replace("+00:00", spelled);
    let stale =
        [("three hours ago", shifted(0, "+03:00")), ("in five hours", shifted(0, "-05:00"))];
    let cases = stale.map(|(case, time)| (case, Delivery::of(event(json!({"event_time": time})))));
    refused_by(&function, &aws, "401 event_stale", cases).await;
    // With any age limit, an event may be 300 s in the future, because clocks differ.
    let short_limit = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "60").start().await;
    let early = event(json!({"event_time": at(290)}));
    assert_eq!(short_limit.invoke(&Delivery::of(early)).await.verdict(), "200 accepted");
    let fresh = event(json!({"event_time": shifted(3 * 3600, "+03:00")}));
    assert_eq!(function.invoke(&Delivery::of(fresh)).await.verdict(), "200 accepted");
}
