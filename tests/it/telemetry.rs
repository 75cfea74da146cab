//! The log: one line for each request and each held record. The same line carries the metrics. Every verdict also checks what each such line must contain (`support::wide_event`).

mod lines;
mod secrecy;

use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, GetSecretValue, HoldMessage, MEDIA_AVAILABLE,
    OTHER_SECRET, Record, Reply, SECRET, SendMessage, all_at_once, at, commit, event,
    one_second_passes, seconds, token,
};
use serde_json::{Value, json};

#[tokio::test]
async fn first_line_of_the_log_names_version_and_commit() {
    let function = Function::start(&Aws::start().await).await;
    let first = function.stderr.until("a line", |lines| lines.first().cloned()).await;
    let mut first: Value = serde_json::from_str(&first).expect("JSON");
    let timestamp = first["timestamp"].take();
    assert!(timestamp.as_str().is_some_and(|it| it.ends_with('Z')), "{timestamp}");
    let expected = json!({
        "timestamp": null,
        "level": "INFO",
        "target": "jw_webhook_forwarder::telemetry",
        "message": "the forwarder has started",
        "version": env!("CARGO_PKG_VERSION"),
        "commit": commit(),
    });
    assert_eq!(first, expected);
}

#[tokio::test]
async fn accepted_event_has_one_log_line_with_its_ids_age_and_duration() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let claims = event(json!({"event_time": at(-90)}));
    let answer = function.invoke(&Delivery::of(claims)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    let log = &answer.log;
    assert_eq!(log["event"], "media_available");
    assert_eq!(log["webhook_id"], "7Rav0hC5");
    assert_eq!(log["site_id"], "jsPxIVHl");
    assert_eq!(log["media_id"], "UUhbHm6C");
    assert!(log["channel_id"].is_null());
    assert_eq!(log["secret_age_s"], 0);
    let age = log["event_age_ms"].as_i64().expect("an age");
    assert!((89_000..100_000).contains(&age), "{age}");
    assert_eq!(log["EventAge"], log["event_age_ms"]);
    let duration = log["duration_ms"].as_f64().expect("a duration");
    assert!(duration > 0.0 && duration <= answer.took.as_secs_f64() * 1e3, "{duration}");
    assert_eq!(function.stdout.lines().len(), 1, "one line");

    let answer = function.invoke(&Delivery::of(CHANNEL_ACTIVE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(answer.log["channel_id"], "YijbmYHJ");
    assert!(answer.log["media_id"].is_null());
}

#[tokio::test]
async fn every_request_has_one_log_line_with_valid_metrics() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let good = || Delivery::of(MEDIA_AVAILABLE);
    let deliveries = [
        ("200 accepted", good()),
        ("405 method_not_allowed", good().method("GET")),
        ("413 body_too_large", good().body(vec![b' '; 262_145])),
        ("415 content_encoding_unsupported", good().header("content-encoding", "br")),
        ("401 authorization_missing", good().without_header("authorization")),
        ("401 authorization_malformed", good().header("authorization", "Basic YTpi")),
        ("401 token_malformed", good().token("a.b.c")),
        ("401 algorithm_not_allowed", good().token(&token(r#"{"alg":"none"}"#, "{}", SECRET))),
        ("401 signature_invalid", Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)),
        ("401 claims_malformed", Delivery::of("[]")),
        ("401 claims_not_valid", Delivery::of(r#"{"exp":0}"#)),
        ("400 body_malformed", good().body("")),
        ("401 body_mismatch", good().body("{}")),
        ("200 accepted", Delivery::of("{}")),
        ("200 accepted", Delivery::of(event(json!({"event_time": "never"})))),
        ("200 accepted", Delivery::of(event(json!({"event_time": at(500)})))),
    ];
    for (number, (verdict, delivery)) in deliveries.iter().enumerate() {
        let answer = function.invoke(delivery).await;
        assert_eq!(answer.verdict(), *verdict);
        assert_eq!(function.stdout.lines().len(), number + 1, "{verdict}: one line");
    }
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "503 queue_refused");
    assert_eq!(answer.log["event"], "media_available", "the event was verified");
    assert_eq!(
        function.stdout.lines().len(),
        deliveries.len() + 2,
        "the event's undelivered record"
    );
}

/// Requests that are held, lost or neither, and held records that are tried again. `verdict` also
/// checks the metrics of each of these lines.
#[tokio::test]
async fn held_and_lost_events_have_one_log_line_each_with_metrics() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let function = Function::of(&aws).holding().start().await;
    let good = Delivery::of(MEDIA_AVAILABLE);
    let held = function.invoke(&good).await;
    assert_eq!(held.verdict(), "503 held secret_unavailable");
    assert_eq!((&held.log["Held"], &held.log["Accepted"]), (&json!(1), &json!(0)));
    aws.always(HoldMessage, Reply::Error(403, "AccessDenied"));
    let lost = function.invoke(&good).await;
    assert_eq!(lost.verdict(), "503 secret_unavailable");
    assert_eq!((&lost.log["Failed"], &lost.log["Lost"]), (&json!(1), &json!(1)));
    let failed = function.invoke(&good.clone().body("{}")).await;
    assert_eq!(failed.verdict(), "503 secret_unavailable");
    assert!(failed.log["Lost"].is_null());
    assert_eq!(function.stdout.lines().len(), 3, "one line each");

    aws.works_again(GetSecretValue);
    aws.next(SendMessage, [Reply::Error(403, "AccessDenied")]);
    one_second_passes().await;
    let stays = function.deliver([Record::new("a", good.bearer())]).await;
    assert_eq!(stays.verdicts(), ["held queue_refused"]);
    let accepted = function.deliver([Record::new("a", good.bearer())]).await;
    assert_eq!(accepted.verdicts(), ["accepted none"]);
    assert_eq!(accepted.logs[0]["media_id"], "UUhbHm6C");
    let dropped = function.deliver([Record::new("a", "a.b.c")]).await;
    assert_eq!(dropped.verdicts(), ["refused token_malformed"]);
    let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET);
    let unverified = function.deliver([Record::new("a", forged.bearer())]).await;
    assert_eq!(unverified.verdicts(), ["held signature_invalid"]);
    assert_eq!(function.stdout.lines().len(), 7, "one line each");
}

#[tokio::test]
async fn log_line_stays_valid_if_a_verified_event_has_malformed_ids() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let strange = [
        json!(7),
        json!(null),
        json!(["a"]),
        json!("é\n\u{0}"),
        json!("x".repeat(5_000)),
        json!(""),
    ];
    for value in strange {
        let claims =
            json!({"event": value, "webhook_id": value, "site_id": value, "event_time": value});
        let answer = function.invoke(&Delivery::of(claims.to_string())).await;
        assert_eq!(answer.verdict(), "200 accepted");
        assert!(answer.log.to_string().len() < 8_000, "the line is short enough for one log event");
    }
}

#[tokio::test]
async fn every_lambda_log_level_is_accepted() {
    all_at_once(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], async |level| {
        let aws = Aws::start().await;
        let function = Function::of(&aws).env("AWS_LAMBDA_LOG_LEVEL", level).start().await;
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{level}");
    })
    .await;
}

#[tokio::test]
async fn error_code_from_aws_is_logged() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let function = Function::start(&aws).await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(4)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    let says = |line: &str| line.contains("AccessDeniedException").then_some(());
    function.stderr.find("AWS's code", says).await;

    aws.always(GetSecretValue, Reply::Normal);
    aws.always(SendMessage, Reply::QueryError(400, "KmsDisabled", "KMS.DisabledException"));
    function.until_verdict("503 queue_refused", &Delivery::of(MEDIA_AVAILABLE), seconds(3)).await;
    let says = |line: &str| line.contains("KMS.DisabledException").then_some(());
    function.stderr.find("AWS's code", says).await;
}
