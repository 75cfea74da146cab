use super::*;
use crate::rejection::Failure;

const TOKEN: &str = "Bearer a.b.c";

fn request_of(event: &str) -> Request<'_> {
    match job(event) {
        Some(Job::Request(request)) => request,
        _ => panic!("no request: {event:.200}"),
    }
}

/// An HTTP request's event with this method and these members.
fn event(method: &str, members: &str) -> String {
    format!(r#"{{"requestContext":{{"http":{{"method":"{method}"}}}},{members}}}"#)
}

#[test]
fn deadline_is_ignored_only_if_it_is_long_past() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert_eq!(time_left(now - Duration::from_millis(1), now), Duration::ZERO);
    assert_eq!(time_left(SystemTime::UNIX_EPOCH + Duration::from_secs(600), now), Duration::MAX);
    let three_seconds = Duration::from_secs(3);
    assert_eq!(time_left(now + three_seconds, now), three_seconds);
}

#[test]
fn request_is_read_from_the_needed_members() {
    let event = event(
        "POST",
        r#""headers":{"authorization":"Bearer a.b.c","content-encoding":"gzip","x":"y"},"body":"{}","isBase64Encoded":false"#,
    );
    let expected = Request {
        method: "POST".into(),
        authorization: vec![TOKEN.into()],
        content_encoding: vec!["gzip".into()],
        body: b"{}".into(),
    };
    assert_eq!(request_of(&event), expected);
}

#[test]
fn base64_body_is_decoded() {
    let body = |members: &str| request_of(&event("POST", members)).body.into_owned();
    assert_eq!(body(r#""body":"e30=","isBase64Encoded":true"#), b"{}");
    assert_eq!(body(r#""body":"{\"a\":1}","isBase64Encoded":false"#), b"{\"a\":1}");
    assert_eq!(body(r#""body":"e30=","isBase64Encoded":null"#), b"e30=");
    assert_eq!(body(r#""body":"e30=""#), b"e30=");
    assert_eq!(body(r#""body":null"#), b"");
    assert_eq!(body(r#""body":{"a":1}"#), b"");
}

#[test]
fn every_authorization_header_is_read() {
    let authorization = |headers: &str| {
        let event = event("POST", &format!(r#""headers":{headers}"#));
        request_of(&event).authorization.iter().map(|value| value.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(authorization(r#"{"Authorization":"Bearer a.b.c"}"#), [TOKEN]);
    assert_eq!(authorization(r#"{"authorization":"x","AUTHORIZATION":"y"}"#), ["x", "y"]);
    assert_eq!(authorization(r#"{"authorization":"x","authorization":"y"}"#), ["x", "y"]);
    assert_eq!(authorization(r#"{"authorization":["x","y"]}"#), ["x", "y"]);
    assert_eq!(authorization(r#"{"authorization":7}"#), [""]);
    assert!(authorization("null").is_empty() && authorization("[]").is_empty());
}

#[test]
fn request_with_malformed_unused_members_is_read() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for odd in [
        r#""rawQueryString":"q=<x>","rawPath":"a b\u0000""#,
        r#""queryStringParameters":{"\ud800":7}"#,
        r#""version":7,"cookies":{},"stageVariables":"x""#,
        r#""version":"1.0","version":"2.0""#,
        &format!(r#""unknown":{deep}"#),
    ] {
        let event = event("POST", &format!(r#"{odd},"headers":{{"authorization":"{TOKEN}"}}"#));
        assert_eq!(request_of(&event).authorization, [TOKEN], "{odd:.60}");
    }
    assert_eq!(request_of(r#"{"requestContext":{"http":{"method":7}}}"#).method, "");
    let event = r#"{"requestContext":{"http":{"method":"GET","path":7},"authorizer":"x","timeEpoch":"now"}}"#;
    assert_eq!(request_of(event).method, "GET");
}

#[test]
fn each_record_of_a_batch_is_read() {
    let event = r#"{"Records":[{"messageId":"m-1","receiptHandle":"r","body":"a.b.c","attributes":{"SentTimestamp":"1700000000123","ApproximateReceiveCount":"1"},"messageAttributes":{},"md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:held","awsRegion":"eu-west-1"}]}"#;
    let Some(Job::Batch(records)) = job(event) else { panic!("no batch") };
    let [record] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(record.message_id, "m-1");
    assert_eq!(record.queue_arn, "arn:aws:sqs:eu-west-1:123456789012:held");
    assert_eq!(record.token, "a.b.c");
    assert_eq!(record.held_at, SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
}

#[test]
fn batch_with_a_record_without_a_message_id_or_time_is_an_error() {
    for record in [r#"{"body":"a.b.c"}"#, r#"{"messageId":"m","body":"a.b.c"}"#, "7"] {
        assert!(job(&format!(r#"{{"Records":[{record}]}}"#)).is_none(), "{record}");
    }
}

#[test]
fn http_request_is_never_read_as_a_batch() {
    let event = event("POST", r#""Records":[],"body":"{\"Records\":[]}""#);
    assert_eq!(request_of(&event).body, br#"{"Records":[]}"#.as_slice());
}

#[test]
fn event_that_is_neither_a_request_nor_a_batch_is_an_error() {
    for event in ["{}", "[]", "7", r#"{"httpMethod":"POST"}"#, r#"{"requestContext":"x"}"#] {
        assert!(job(event).is_none(), "{event}");
    }
}

#[test]
fn responses_have_the_format_of_a_gateway_and_of_an_event_source_mapping() {
    let http = Answer::Http(http::response(&Err(Failure::QueueUnavailable.into())).into());
    let http = serde_json::to_value(http).unwrap();
    assert_eq!(http["statusCode"], 503);
    assert_eq!(http["headers"]["retry-after"], "5");
    assert_eq!(http["body"], r#"{"error":"service_unavailable"}"#);
    assert_eq!(http["isBase64Encoded"], false);
    let failure = BatchItemFailure { item_identifier: "m-1".to_owned() };
    let batch = Answer::Batch(BatchResponse { batch_item_failures: vec![failure] });
    let batch = serde_json::to_string(&batch).unwrap();
    assert_eq!(batch, r#"{"batchItemFailures":[{"itemIdentifier":"m-1"}]}"#);
}

#[tokio::test]
async fn panic_becomes_a_failure() {
    let result = unless_panicked(async { panic!("a panic of this test") }).await;
    assert_eq!(result, Err(Failure::Panicked.into()));
}
