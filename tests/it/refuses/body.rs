//! Bad bodies of requests whose claims are verified.

use super::all_refused;
use crate::support::{CHANNEL_ACTIVE, Delivery, MEDIA_AVAILABLE, event};
use serde_json::json;

#[tokio::test]
async fn body_that_is_not_a_json_object_is_malformed() {
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"null",
        b"1",
        b"\"a\"",
        b"[]",
        b"{",
        b"{} {}",
        b"{}\0",
        br#"{"a":1,}"#,
        br#"{"a":NaN}"#,
        br#"{'a':1}"#,
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{\"a\":\"b\"}",
        b"\xff\xfe{\0}\0",
        b"event=media_available&media_id=UUhbHm6C",
    ];
    let cases = bodies.map(|body| {
        (String::from_utf8_lossy(body).into_owned(), Delivery::of(MEDIA_AVAILABLE).body(body))
    });
    all_refused("400 body_malformed", cases).await;
}

#[tokio::test]
async fn body_with_the_event_in_an_array_is_malformed() {
    let body = format!("[{MEDIA_AVAILABLE}]");
    all_refused("400 body_malformed", [("in an array", Delivery::of(MEDIA_AVAILABLE).body(body))])
        .await;
}

#[tokio::test]
async fn body_with_a_duplicate_member_is_malformed() {
    let cases = [
        (r#"{"a":"1"}"#, r#"{"a":"1","a":"1"}"#),
        (r#"{"a":"1"}"#, r#"{"a":"2","a":"1"}"#),
        (r#"{"a":"1"}"#, r#"{"a":"1","\u0061":"1"}"#),
        (r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1,"b":1}]}"#),
    ];
    let cases = cases.map(|(claims, body)| (body, Delivery::of(claims).body(body)));
    all_refused("400 body_malformed", cases).await;
}

#[tokio::test]
async fn body_nested_more_than_64_deep_is_malformed() {
    let deep =
        |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    let cases = [("65", deep(65)), ("100,000", deep(100_000))];
    let cases = cases.map(|(case, body)| (case, Delivery::of(MEDIA_AVAILABLE).body(body)));
    all_refused("400 body_malformed", cases).await;
}

#[tokio::test]
async fn body_of_another_event_is_refused() {
    let cases = [
        ("another event", CHANNEL_ACTIVE.to_owned()),
        ("an empty object", "{}".into()),
        ("an additional member", event(json!({"more": "x"}))),
        ("a missing member", event(json!({"site_id": null}))),
        ("an additional null", MEDIA_AVAILABLE.replacen('{', r#"{"more":null,"#, 1)),
        ("another value", event(json!({"media_id": "UUhbHm6D"}))),
        ("another case", event(json!({"media_id": "uuhbhm6c"}))),
        ("white space in a value", event(json!({"media_id": "UUhbHm6C "}))),
        ("another name", MEDIA_AVAILABLE.replace("media_id", "Media_id")),
        ("values exchanged", event(json!({"media_id": "jsPxIVHl", "site_id": "UUhbHm6C"}))),
        ("wrapped", format!(r#"{{"data":{MEDIA_AVAILABLE}}}"#)),
    ];
    let cases = cases.map(|(case, body)| (case, Delivery::of(MEDIA_AVAILABLE).body(body)));
    all_refused("401 body_mismatch", cases).await;
}

#[tokio::test]
async fn similar_values_in_body_and_claims_are_a_mismatch() {
    let pairs = [
        ("1", "true"),
        ("1", r#""1""#),
        ("true", r#""true""#),
        ("0", "false"),
        ("null", "false"),
        ("null", r#""""#),
        (r#""null""#, "null"),
        ("[]", "{}"),
        ("[]", "null"),
        (r#""""#, "[]"),
        // Two numbers are equal only if they are written in the same way.
        ("1", "1.0"),
        ("1.0", "1.00"),
        ("1e2", "100"),
        ("1e2", "1E2"),
        ("1e2", "1e+2"),
        ("0", "-0"),
        ("0.0", "-0.0"),
        ("9007199254740992", "9007199254740993"),
        ("1e400", "2e400"),
        ("0.1", "0.10000000000000000001"),
        ("123456789012345678901", "123456789012345678902"),
        // The order of an array's elements counts.
        ("[1,2]", "[2,1]"),
        ("[1]", "[1,1]"),
        ("[[1],2]", "[1,[2]]"),
        (r#"[{"a":1}]"#, r#"[{"a":2}]"#),
        // Strings are compared by code points, without case folding, normalisation or replacement
        // of invalid characters.
        (r#""\u00e9""#, r#""e\u0301""#),
        (r#""\ud800""#, r#""\ufffd""#),
        (r#""\ud800""#, r#""\ud801""#),
        (r#""\ud800""#, r#""\ud800\ud800""#),
        (r#""\\u0041""#, r#""A""#),
        (r#""a\u0000""#, r#""a""#),
        (r#""\udc00\ud800""#, r#""\ud800\udc00""#),
    ];
    let both = pairs.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    let cases = both.map(|(signed, sent)| {
        let with = |value: &str| format!(r#"{{"v":{value}}}"#);
        (format!("{signed} signed, {sent} sent"), Delivery::of(with(signed)).body(with(sent)))
    });
    all_refused("401 body_mismatch", cases).await;
}
