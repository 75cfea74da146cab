//! Valid events are accepted in every form in which JW sends them and a gateway delivers them.

use crate::support::{
    Aws, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, SECRET, at, event, padded, token,
};
use serde_json::json;

/// Made with PyJWT from the sample secret and the sample event in JW's documentation.
const DOCUMENTED_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJldmVudCI6Im1lZGlhX2F2YWlsYWJsZSIsIm1lZGlhX2lkIjoiVVVoYkhtNkMiLCJ3ZWJob29rX2lkIjoiN1JhdjBoQzUiLCJzaXRlX2lkIjoianNQeElWSGwiLCJldmVudF90aW1lIjoiMjAyMy0xMS0xNFQyMjozMDoxMCswMDowMCJ9.8h9tFQ_o4ZUq1aOa5M003WOU7hAGFgLQTzhbjfzZbsw";

/// Sends each delivery. Expects that the function accepts the delivery, and that the newest message
/// in the queue is the delivery's payload.
async fn all_accepted(cases: impl IntoIterator<Item = (&str, Delivery)>) {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    for (number, (case, delivery)) in cases.into_iter().enumerate() {
        let answer = function.invoke(&delivery).await;
        assert_eq!(answer.verdict(), "200 accepted", "{case}");
        let queued = aws.queued();
        assert_eq!(queued.len(), number + 1, "{case}");
        assert_eq!(answer.body["message_id"], queued[number].id, "{case}");
        assert_eq!(queued[number].attribute("event_id"), Some(answer.event_id()), "{case}");
    }
}

#[tokio::test]
async fn token_from_jws_documentation_is_accepted() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE).token(DOCUMENTED_TOKEN)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(
        answer.event_id(),
        "d2726fa652ffdc106819d01af02890479e8bb444082f72b5f51cb48f45f38619"
    );
    assert_eq!(answer.body["message_id"], aws.queued()[0].id);
}

#[tokio::test]
async fn every_known_and_unknown_event_name_is_accepted() {
    let names = [
        "channel_active",
        "channel_created",
        "channel_idle",
        "conversions_complete",
        "media_available",
        "media_created",
        "media_deleted",
        "media_updated",
        "media_reuploaded",
        "thumbnail_created",
        "track_deleted",
        "an_event_of_next_year",
    ];
    all_accepted(names.map(|name| (name, Delivery::of(event(json!({"event": name})))))).await;
}

#[tokio::test]
async fn hs256_header_is_accepted_in_any_spelling_and_with_unused_members() {
    let headers = [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{ "alg" : "HS256", "typ" : "jwt" }"#,
        r#"{"alg":"HS256","typ":"JwT","kid":"7Rav0hC5"}"#,
        r#"{"\u0061lg":"HS\u003256","kid":""}"#,
        // Header members that tell other JWT libraries where to find a key. The forwarder ignores
        // them.
        r#"{"alg":"HS256","jku":"https://example.com/keys","x5u":"https://example.com/","x5c":["MIIB"],"jwk":{"kty":"oct","k":"AAAA"},"cty":"JWT","iss":"me"}"#,
    ];
    all_accepted(headers.map(|header| {
        let token = token(header, MEDIA_AVAILABLE, SECRET);
        (header, Delivery::of(MEDIA_AVAILABLE).token(&token))
    }))
    .await;
}

#[tokio::test]
async fn bearer_scheme_is_accepted_in_any_case_and_before_several_spaces() {
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, MEDIA_AVAILABLE, SECRET);
    let values = ["Bearer", "bearer", "BEARER", "bEARER", "Bearer    "];
    all_accepted(values.map(|scheme| {
        let value = format!("{scheme} {token}");
        (scheme, Delivery::of(MEDIA_AVAILABLE).header("authorization", value))
    }))
    .await;
}

#[tokio::test]
async fn request_is_accepted_with_any_path_content_type_or_extra_header() {
    let delivery = || Delivery::of(MEDIA_AVAILABLE);
    all_accepted([
        ("another path", delivery().path("/")),
        ("an unusual path", delivery().path("/a%2Fb/../c")),
        ("a body in base64", delivery().in_base64()),
        ("identity", delivery().header("content-encoding", "identity")),
        ("IDENTITY", delivery().header("content-encoding", "IDENTITY")),
        ("no content type", delivery().without_header("content-type")),
        ("another content type", delivery().header("content-type", "text/plain; charset=latin1")),
        ("an API key", delivery().header("x-api-key", "abc")),
        ("one header in a list", delivery().header("x-list", json!(["a", "b"]))),
    ])
    .await;
}

#[tokio::test]
async fn body_with_another_member_order_or_spelling_matches_the_claims() {
    let cases = [
        ("order", r#"{"a":"1","b":"2"}"#, r#"{"b":"2","a":"1"}"#),
        (
            "another order in a nested object",
            r#"{"o":{"a":[1,2],"b":null}}"#,
            r#"{"o":{"b":null,"a":[1,2]}}"#,
        ),
        ("white space", r#"{"a":"1","b":[1,2]}"#, "\r\n{\t\"a\" : \"1\" ,\"b\": [ 1 , 2 ] }\n"),
        ("an escaped letter", r#"{"a":"b"}"#, r#"{"\u0061":"\u0062"}"#),
        (
            "a raw and an escaped character",
            "{\"a\":\"é\u{1F600}\u{7f}\"}",
            r#"{"a":"\u00e9\ud83d\uDE00\u007F"}"#,
        ),
        ("a solidus", r#"{"a":"b/c"}"#, r#"{"a":"b\/c"}"#),
        (
            "short and long escapes",
            r#"{"a":"\n\t\"\\\b"}"#,
            r#"{"a":"\u000a\u0009\u0022\u005C\u0008"}"#,
        ),
        ("a lone surrogate", r#"{"a":"\ud800"}"#, r#"{"a":"\uD800"}"#),
        ("surrogates in the wrong order", r#"{"a":"\udc00\ud800"}"#, r#"{"a":"\uDC00\uD800"}"#),
        (
            "numbers beyond a float",
            r#"{"a":9007199254740993,"b":0.1}"#,
            r#"{"b":0.1,"a":9007199254740993}"#,
        ),
        ("literals", r#"{"a":true,"b":false,"c":null}"#, r#"{"c":null,"b":false,"a":true}"#),
        ("an empty object", "{}", " { } "),
        ("an empty name", r#"{"":""}"#, r#"{"":""}"#),
    ];
    all_accepted(cases.map(|(case, claims, body)| (case, Delivery::of(claims).body(body)))).await;
}

#[tokio::test]
async fn events_with_unknown_or_missing_members_are_accepted() {
    let cases = [
        ("strings", json!({"thumbnail_id": "AbCdEfGh", "title": "Café — 日本"})),
        ("an object", json!({"media": {"id": "UUhbHm6C", "tags": ["a", "b"]}})),
        ("special names", json!({"__proto__": "x", "constructor": "y"})),
        ("no time", json!({"event_time": null})),
        ("no webhook", json!({"webhook_id": null})),
        ("no event", json!({"event": null})),
    ];
    all_accepted(cases.map(|(case, changes)| (case, Delivery::of(event(changes))))).await;
}

#[tokio::test]
async fn valid_registered_claims_are_accepted() {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let cases = [
        ("exp", json!({"exp": now + 60})),
        ("exp with a fraction", json!({"exp": now as f64 + 60.5})),
        ("exp far in the future", json!({"exp": 99_999_999_999_u64})),
        ("nbf", json!({"nbf": now - 1})),
        ("nbf before 1970", json!({"nbf": -1})),
        ("iat", json!({"iat": now - 1})),
        ("iat with a fraction", json!({"iat": now as f64 - 1.5})),
        ("empty aud", json!({"aud": ""})),
        ("empty aud list", json!({"aud": []})),
        ("sub and jti", json!({"sub": "", "jti": "1"})),
        ("iss", json!({"iss": "jw"})),
    ];
    all_accepted(cases.map(|(case, changes)| (case, Delivery::of(event(changes))))).await;
}

#[tokio::test]
async fn body_of_262144_bytes_is_accepted() {
    let body = padded(262_144);
    all_accepted([
        ("as text", Delivery::of(MEDIA_AVAILABLE).body(&body)),
        ("in base64", Delivery::of(MEDIA_AVAILABLE).body(&body).in_base64()),
        ("signed as it is", Delivery::of(&body)),
    ])
    .await;
}

#[tokio::test]
async fn token_of_393216_bytes_is_accepted() {
    let claims = padded(294_851);
    let token = token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims, SECRET);
    assert_eq!(token.len(), 393_216);
    all_accepted([("the longest", Delivery::of(MEDIA_AVAILABLE).token(&token))]).await;
}

#[tokio::test]
async fn claims_nested_64_deep_are_accepted() {
    let deep =
        |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    all_accepted([("64", Delivery::of(deep(64)))]).await;
}

#[tokio::test]
async fn event_within_the_age_limit_is_accepted() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    for time in [at(0), at(-590), at(290), at(0).replace("+00:00", "Z")] {
        let answer = function.invoke(&Delivery::of(event(json!({"event_time": time})))).await;
        assert_eq!(answer.verdict(), "200 accepted", "{time}");
    }
    assert_eq!(aws.queued().len(), 4);
}

#[tokio::test]
async fn any_event_time_is_accepted_without_an_age_limit() {
    let times = [
        json!("1970-01-01T00:00:00+00:00"),
        json!("2099-01-01T00:00:00+00:00"),
        json!("yesterday"),
        json!(5),
    ];
    all_accepted(
        times.iter().map(|time| ("a time", Delivery::of(event(json!({"event_time": time}))))),
    )
    .await;
}

#[tokio::test]
async fn single_secret_verifies_events_of_any_webhook() {
    let aws = Aws::start().await;
    aws.keep(OTHER_SECRET);
    let function = Function::start(&aws).await;
    for webhook in [json!("7Rav0hC5"), json!("2yW4KmiG"), json!(7), json!(null)] {
        let claims = event(json!({"webhook_id": webhook}));
        let answer = function.invoke(&Delivery::signed(claims, OTHER_SECRET)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{webhook}");
    }
    assert_eq!(aws.queued().len(), 4);
}
