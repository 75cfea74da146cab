//! Records that no queue should deliver, and requests that look like records.

use super::{good, record};
use crate::support::{
    Aws, Delivery, Function, MEDIA_AVAILABLE, OTHER_SECRET, Record, Reply, SendMessage, at, event,
};
use serde_json::{Value, json};

/// Variants of this record, each with one odd value.
fn oddities(record: &Record) -> Vec<(String, Record)> {
    let values = || [json!(null), json!(7), json!(""), json!("x"), json!(["x"]), json!({"x": 1})];
    let members = [
        "receiptHandle",
        "attributes",
        "messageAttributes",
        "md5OfBody",
        "eventSource",
        "awsRegion",
        "unknown",
    ];
    let timestamps = values().into_iter().chain([
        json!("-1"),
        json!("1.5"),
        json!(" 1700000000000"),
        json!("99999999999999999999"),
        json!(u64::MAX.to_string()),
        json!("0"),
        json!(1_700_000_000_000_u64),
        json!(-1e300),
    ]);
    let mut odd =
        vec![("no SentTimestamp".to_owned(), record.clone().without_attribute("SentTimestamp"))];
    odd.extend(timestamps.map(|value| {
        let case = format!("SentTimestamp {value}");
        (case, record.clone().with_attribute("SentTimestamp", value))
    }));
    for member in members {
        odd.push((format!("no {member}"), record.clone().without(member)));
        odd.extend(
            values().map(|value| (format!("{member} {value}"), record.clone().with(member, value))),
        );
    }
    odd
}

#[tokio::test]
async fn no_event_is_lost_if_its_record_is_malformed() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    let fresh = Delivery::of(event(json!({"event_time": at(-90)})));
    for (case, odd) in oddities(&record("a", &fresh)) {
        let batch = function.deliver([odd]).lines(0).await;
        let sent = aws.drained().len();
        assert!(
            sent == 1 || batch.keeps("a"),
            "{case}: the event was neither sent nor kept: {batch:?}"
        );
        assert!(
            sent == 0 || !batch.all_stay,
            "{case}: the event was sent and is still held: {batch:?}"
        );
    }
    assert_eq!(function.invoke(&fresh).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn held_event_with_an_unknown_sent_time_is_not_dropped_as_stale() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    let old = Delivery::of(event(json!({"event_time": at(-7_200)})));
    let records = [
        record("a", &old).without_attribute("SentTimestamp"),
        record("a", &old).with_attribute("SentTimestamp", json!("yesterday")),
        record("a", &old).without("attributes"),
    ];
    for odd in records {
        let batch = function.deliver([odd.clone()]).lines(0).await;
        assert!(!aws.drained().is_empty() || batch.keeps("a"), "{odd:?}: {batch:?}");
    }
}

#[tokio::test]
async fn whole_batch_stays_if_a_failed_record_has_no_valid_message_id() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    let ids = [json!(null), json!(""), json!(7), json!({"a": 1})];
    let records = ids.map(|id| record("a", &good()).with("messageId", id)).into_iter();
    for odd in records.chain([record("a", &good()).without("messageId")]) {
        aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
        let batch = function.deliver([odd.clone(), record("b", &good())]).lines(0).await;
        assert!(batch.all_stay, "{odd:?}: {batch:?}");
        aws.works_again(SendMessage);
        let batch = function.deliver([odd.clone()]).lines(0).await;
        assert!(aws.drained().len() == 1 || batch.all_stay, "{odd:?}: {batch:?}");
    }
}

#[tokio::test]
async fn record_with_a_missing_or_invalid_body_does_not_affect_others() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    let bodies = [json!(null), json!(7), json!(["a.b.c"]), json!({"a": 1}), json!("")];
    let records = bodies.map(|body| record("odd", &good()).with("body", body)).into_iter();
    for odd in records.chain([record("odd", &good()).without("body")]) {
        let batch = function.deliver([odd.clone(), record("a", &good())]).lines(0).await;
        assert!(aws.drained().len() == 1 || batch.keeps("a"), "{odd:?}: {batch:?}");
    }
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn batch_of_malformed_records_does_not_crash_the_function() {
    let aws = Aws::start().await;
    let mut function = Function::of(&aws).holding().start().await;
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for odd in [json!(null), json!(7), json!("x"), json!([]), json!({}), nested] {
        let records: Value = json!({"Records": [odd, {"messageId": "a", "body": odd}]});
        let _ = function.try_invoke(records).await; // only the result of the next batch is checked
        let batch = function.deliver([record("a", &good())]).await;
        assert_eq!(batch.verdicts(), ["accepted none"], "{odd}");
    }
    for records in [json!(null), json!(7), json!("x"), json!({"0": record("a", &good()).body()})] {
        let _ = function.try_invoke(json!({"Records": records})).await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{records}");
    }
    assert!(function.runs());
}

/// A stranger controls a request's headers, query and body, but cannot turn the request into a
/// batch.
#[tokio::test]
async fn request_that_looks_like_a_batch_is_handled_as_a_request() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    let held = json!({
        "messageId": "a",
        "body": good().bearer(),
        "attributes": {"SentTimestamp": "1700001010000"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:jw-held",
    });
    let batch = json!({"Records": [held]}).to_string();
    let forged = Delivery::signed(&batch, OTHER_SECRET);
    let cases = [
        ("401 signature_invalid", forged.event()),
        ("401 body_mismatch", good().body(&batch).event()),
        ("401 authorization_missing", forged.without_header("authorization").event()),
        ("405 method_not_allowed", good().method("GET").body(&batch).event()),
        ("200 accepted", good().header("records", batch.as_str()).event()),
        ("200 accepted", Delivery::of(&batch).event()),
    ];
    for (verdict, mut event) in cases {
        event["rawQueryString"] = json!(format!("Records={batch}"));
        event["queryStringParameters"] = json!({"Records": batch});
        assert_eq!(function.invoke_event(event).await.verdict(), verdict);
    }
    let bodies: Vec<_> = aws.queued().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, [MEDIA_AVAILABLE.to_owned(), batch]);
}
