//! The function reads only the members of an invocation that it needs. A request with any other
//! content gets its normal verdict, and the next valid event is accepted.

mod unneeded;

use crate::support::{
    Aws, Delivery, Function, MEDIA_AVAILABLE, Reply, SendMessage, all_at_once, millis,
};
use serde_json::{Value, json};

/// More headers than the `http` crate's `HeaderMap` can hold. A `HeaderMap` panics at the 24,577th
/// name.
const HEADERS: usize = 24_600;

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

fn with_headers(mut delivery: Delivery) -> Delivery {
    for number in 0..HEADERS {
        delivery = delivery.header(&format!("h{number}"), "");
    }
    delivery
}

/// The valid event in which the member at this JSON pointer has this value.
fn with(pointer: &str, value: Value) -> Value {
    let mut event = good().event();
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    event.pointer_mut(parent).expect("the member's parent")[name] = value;
    event
}

/// Sends each event and expects this verdict. After each, expects that a valid event is accepted.
async fn each_gets<C: std::fmt::Display>(cases: impl IntoIterator<Item = (C, &str, Value)>) {
    let aws = Aws::start().await;
    let mut function = Function::start(&aws).await;
    for (case, verdict, event) in cases {
        assert_eq!(function.invoke_event(event).await.verdict(), verdict, "{case}");
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "after {case}");
    }
    assert!(function.runs());
}

#[tokio::test]
async fn request_with_thousands_of_headers_gets_its_usual_verdict() {
    all_at_once([1, 4], async |concurrency| {
        let aws = Aws::start().await;
        let mut function = Function::of(&aws).concurrency(concurrency).start().await;
        let unauthenticated = with_headers(good().without_header("authorization"));
        let authenticated = with_headers(good());
        for _ in 0..2 {
            all_at_once(0..concurrency, async |_| {
                let answer = function.invoke(&unauthenticated).await;
                assert_eq!(answer.verdict(), "401 authorization_missing");
            })
            .await;
            assert_eq!(function.invoke(&authenticated).await.verdict(), "200 accepted");
        }
        aws.always(SendMessage, Reply::Delay(millis(300)));
        all_at_once(0..concurrency, async |_| {
            assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
        })
        .await;
        assert_eq!(
            aws.most_at_once(SendMessage),
            usize::from(concurrency),
            "every worker still serves"
        );
        assert!(function.runs());
    })
    .await;
}

#[tokio::test]
async fn invalid_urls_in_a_request_are_ignored() {
    let long = "x".repeat(70_000);
    let texts = [
        "",
        "q=<x>",
        r#"a={"b":1}"#,
        "a b",
        "a=%",
        "a=%zz&b",
        "é\u{1F600}",
        "\u{0}\u{7f}\r\n",
        "#?#",
        "//",
        "http://[::1",
        "a host",
        "abc:99999",
        &long,
    ];
    let members = [
        "/rawPath",
        "/rawQueryString",
        "/routeKey",
        "/headers/host",
        "/headers/x-forwarded-proto",
        "/headers/x-forwarded-port",
        "/requestContext/domainName",
        "/requestContext/stage",
        "/requestContext/http/path",
        "/requestContext/http/protocol",
    ];
    let cases = members.into_iter().flat_map(|member| {
        let event = move |text: &str| {
            (format!("{member} {text:.20}"), "200 accepted", with(member, json!(text)))
        };
        texts.map(event)
    });
    each_gets(cases).await;
}

#[tokio::test]
async fn request_whose_headers_have_values_of_any_type_gets_a_verdict() {
    let bearer = json!(format!("Bearer {}", good().bearer()));
    let others = json!({"x-number": 7, "x-null": null, "x-object": {"a": 1}, "x-list": [1, null]});
    let headers = |authorization: Value| {
        let mut headers = others.as_object().expect("an object").clone();
        headers.extend(authorization.as_object().expect("an object").clone());
        Value::Object(headers)
    };
    let cases = [
        ("200 accepted", headers(json!({"authorization": bearer}))),
        ("200 accepted", headers(json!({"Authorization": bearer}))),
        ("200 accepted", headers(json!({"AUTHORIZATION": bearer}))),
        ("401 authorization_missing", headers(json!({}))),
        (
            "401 authorization_missing",
            headers(json!({"authorization": bearer, "Authorization": bearer})),
        ),
        (
            "401 authorization_missing",
            headers(json!({"AUTHORIZATION": "Basic YTpi", "authorization": bearer})),
        ),
        (
            "415 content_encoding_unsupported",
            headers(json!({"authorization": bearer, "Content-Encoding": "gzip"})),
        ),
        (
            "415 content_encoding_unsupported",
            headers(
                json!({"authorization": bearer, "CONTENT-ENCODING": "br", "content-encoding": "identity"}),
            ),
        ),
        ("401 authorization_missing", json!(null)),
        ("401 authorization_missing", json!({})),
    ];
    let cases =
        cases.map(|(verdict, headers)| (headers.to_string(), verdict, with("/headers", headers)));
    each_gets(cases).await;
}

#[tokio::test]
async fn authorization_outside_the_headers_is_ignored() {
    let bearer = format!("Bearer {}", good().bearer());
    let elsewhere = [
        ("/multiValueHeaders", json!({"authorization": [bearer]})),
        ("/queryStringParameters", json!({"authorization": bearer})),
        ("/cookies", json!([format!("authorization={bearer}")])),
        ("/requestContext/authorizer", json!({"authorization": bearer})),
        ("/authorization", json!(bearer)),
    ];
    let cases = elsewhere.map(|(member, value)| {
        let mut event = with(member, value);
        event["headers"].as_object_mut().expect("headers").remove("authorization");
        (member, "401 authorization_missing", event)
    });
    each_gets(cases).await;
}

/// The function must not treat a header value that is not text as missing or valid.
#[tokio::test]
async fn authorization_that_is_not_a_string_is_refused() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    for value in [json!(null), json!(7), json!(true), json!([]), json!([7]), json!({"a": "b"})] {
        let answer = function.invoke_event(with("/headers/authorization", value.clone())).await;
        let verdict = answer.verdict();
        assert!(verdict.starts_with("401 authorization_"), "{value}: {verdict}");
    }
    assert_eq!(aws.calls(SendMessage), 0);
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn request_with_an_unusual_method_body_or_base64_flag_gets_a_verdict() {
    let mut without_body = good().event();
    without_body.as_object_mut().expect("an event").remove("body");
    let mut get_without_body = good().method("GET").event();
    get_without_body["body"] = json!(null);
    let mut without_base64 = good().event();
    without_base64.as_object_mut().expect("an event").remove("isBase64Encoded");
    let no_base64 = |body: &str| {
        let mut event = with("/isBase64Encoded", json!(true));
        event["body"] = json!(body);
        event
    };
    let method = "/requestContext/http/method";
    let cases = [
        ("isBase64Encoded: null", "200 accepted", with("/isBase64Encoded", json!(null))),
        ("no isBase64Encoded", "200 accepted", without_base64),
        ("body: null", "400 body_malformed", with("/body", json!(null))),
        ("no body", "400 body_malformed", without_body),
        ("GET and body: null", "405 method_not_allowed", get_without_body),
        ("invalid base64", "400 body_malformed", no_base64("***")),
        ("an empty method", "405 method_not_allowed", with(method, json!(""))),
        ("an invalid method", "405 method_not_allowed", with(method, json!("PO ST\u{0}é"))),
    ];
    each_gets(cases).await;
}
