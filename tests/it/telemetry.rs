//! What the operator sees: one line a request that is its metrics too, and nothing that nobody
//! should see.

use crate::support::{
    Answer, Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Reply, SECRET,
    SendMessage, all_at_once, at, event, one_second_passes, seconds, token,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

const CANARY: &str = "xCANARYx";

/// All that a wide event may have at its top.
const MEMBERS: [&str; 20] = [
    "_aws",
    "FunctionName",
    "Reason",
    "Accepted",
    "Refused",
    "Failed",
    "Duration",
    "EventAge",
    "outcome",
    "reason",
    "status",
    "request_id",
    "duration_ms",
    "secret_age_s",
    "event_id",
    "event",
    "webhook_id",
    "site_id",
    "event_age_ms",
    "message_id",
];

/// Checks what the embedded metric format asks of a line (CloudWatch User Guide) and what the
/// contract does.
fn check_metrics(log: &Value) {
    let now = UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    let timestamp = log["_aws"]["Timestamp"].as_u64().expect("milliseconds");
    assert!(u128::from(timestamp).abs_diff(now) < 60_000, "{log}");
    let [directive] = log["_aws"]["CloudWatchMetrics"].as_array().expect("directives").as_slice()
    else {
        panic!("one directive: {log}");
    };
    assert_eq!(directive["Namespace"], "JwWebhookForwarder");
    assert_eq!(directive["Dimensions"], json!([["FunctionName"], ["FunctionName", "Reason"]]));
    assert_eq!(log["FunctionName"], "jw-forwarder");
    assert_eq!(log["Reason"], log["reason"].as_str().unwrap_or("none"));
    let mut names = BTreeSet::new();
    for metric in directive["Metrics"].as_array().expect("metrics") {
        let name = metric["Name"].as_str().expect("a name");
        let unit = match name {
            "Accepted" | "Refused" | "Failed" => "Count",
            "Duration" | "EventAge" => "Milliseconds",
            _ => panic!("no metric of the contract: {name}"),
        };
        assert_eq!(metric["Unit"], unit, "{name}");
        assert!(log[name].is_number(), "{name}: {log}");
        assert!(names.insert(name), "{name} is named twice");
    }
    for (outcome, name) in [("accepted", "Accepted"), ("refused", "Refused"), ("failed", "Failed")]
    {
        let count = u64::from(log["outcome"] == outcome);
        assert_eq!(log[name].as_u64().unwrap_or(0), count, "{name}: {log}");
        assert!(count == 0 || names.contains(name), "{name}: {log}");
    }
    for name in log.as_object().expect("an object").keys() {
        assert!(MEMBERS.contains(&name.as_str()), "no member of the contract: {name}");
    }
    let age = &log["secret_age_s"];
    assert!(age.is_null() || age.is_u64(), "{log}");
    assert!(names.contains("Duration"), "{log}");
    assert_eq!(log["Duration"], log["duration_ms"], "{log}");
    assert_eq!(names.contains("EventAge"), log["event_age_ms"].is_number(), "{log}");
}

#[tokio::test]
async fn an_accepted_event_has_one_line_with_all_that_is_known_of_it() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    let claims = event(json!({"event_time": at(-90)}));
    let answer = function.invoke(&Delivery::of(claims)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    let log = &answer.log;
    check_metrics(log);
    assert_eq!(log["event"], "media_available");
    assert_eq!(log["webhook_id"], "7Rav0hC5");
    assert_eq!(log["site_id"], "jsPxIVHl");
    assert_eq!(log["secret_age_s"], 0);
    let age = log["event_age_ms"].as_i64().expect("an age");
    assert!((89_000..100_000).contains(&age), "{age}");
    assert_eq!(log["EventAge"], log["event_age_ms"]);
    let duration = log["duration_ms"].as_f64().expect("a duration");
    assert!(duration > 0.0 && duration <= answer.took.as_secs_f64() * 1e3, "{duration}");
    assert_eq!(function.stdout.lines().len(), 1, "one line");
}

#[tokio::test]
async fn each_request_has_one_line_and_valid_metrics_whatever_became_of_it() {
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
        check_metrics(&answer.log);
        assert_eq!(function.stdout.lines().len(), number + 1, "{verdict}: one line");
    }
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "503 queue_refused");
    check_metrics(&answer.log);
    assert_eq!(answer.log["event"], "media_available", "it was verified");
    assert_eq!(function.stdout.lines().len(), deliveries.len() + 2, "and its undelivered record");
}

#[tokio::test]
async fn members_of_a_verified_event_that_are_no_ids_leave_the_line_valid() {
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
        check_metrics(&answer.log);
        assert!(answer.log.to_string().len() < 8_000, "a line stays a line");
    }
}

/// Requests with a mark wherever a stranger can put one.
fn marked() -> Vec<Delivery> {
    let claims =
        event(json!({"event": CANARY, "webhook_id": CANARY, "site_id": CANARY, CANARY: CANARY}));
    let header = format!(r#"{{"alg":"HS256","kid":"{CANARY}","{CANARY}":1}}"#);
    let forged = Delivery::signed(&claims, OTHER_SECRET);
    vec![
        forged.clone(),
        forged.clone().token(&token(&header, &claims, OTHER_SECRET)),
        forged.clone().token(&token(format!(r#"{{"alg":"{CANARY}"}}"#), &claims, SECRET)),
        forged.clone().token(&token(CANARY, &claims, SECRET)),
        forged.clone().token(&format!("{CANARY}.{CANARY}.{CANARY}")),
        forged.clone().header("authorization", format!("{CANARY} {CANARY}")),
        forged.clone().header("content-encoding", CANARY),
        forged
            .clone()
            .header(CANARY, CANARY)
            .path(&format!("/{CANARY}"))
            .header("user-agent", CANARY),
        forged.clone().method(CANARY),
        forged.body(CANARY),
        Delivery::of(MEDIA_AVAILABLE).body(format!(r#"{{"{CANARY}":"{CANARY}"}}"#)),
        Delivery::of(MEDIA_AVAILABLE).body(CANARY),
    ]
}

#[tokio::test]
async fn what_was_not_verified_is_never_written_at_any_level() {
    all_at_once(["ERROR", "INFO", "TRACE"], async |level| {
        let aws = Aws::start().await;
        let start = Function::of(&aws).env("AWS_LAMBDA_LOG_LEVEL", level).env("RUST_LOG", "trace");
        let mut function = start.start().await;
        for delivery in marked() {
            let answer = function.invoke(&delivery).await;
            assert!(answer.verdict().starts_with('4'), "{answer:#?}");
        }
        assert_eq!(aws.calls(SendMessage), 0);
        assert_eq!(function.stop().matches(CANARY).count(), 0, "{level}");
    })
    .await;
}

/// All that can happen to a request, with secrets about: each function's end looks for them.
async fn everything_happens(function: &Function, aws: &Aws) -> Vec<Answer> {
    let mut answers = Vec::new();
    let good = Delivery::of(MEDIA_AVAILABLE);
    let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET);
    for delivery in
        [good.clone(), forged.clone(), good.clone().body("{}"), good.clone().token("a.b.c")]
    {
        answers.push(function.invoke(&delivery).await);
    }
    for fault in [
        Reply::Error(403, "AccessDenied"),
        Reply::Raw(200, SECRET),
        Reply::Raw(500, SECRET),
        Reply::Hang,
    ] {
        aws.next(SendMessage, [fault]);
        answers.push(function.invoke(&good).await);
    }
    for fault in
        [Reply::Raw(200, SECRET), Reply::Raw(400, SECRET), Reply::Raw(503, SECRET), Reply::Normal]
    {
        one_second_passes().await;
        aws.next(GetSecretValue, [fault]);
        answers.push(function.invoke(&good).await);
    }
    for value in
        [format!("{{\"7Rav0hC5\":\"{SECRET}\""), json!({SECRET: SECRET, "7Rav0hC5": 1}).to_string()]
    {
        one_second_passes().await;
        aws.keep(value);
        answers.push(function.invoke(&good).await);
    }
    answers
}

#[tokio::test]
async fn no_level_lets_a_secret_a_token_or_a_signature_out() {
    let settings = [
        [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")],
        [("AWS_LAMBDA_LOG_LEVEL", "DEBUG"), ("AWS_LAMBDA_LOG_FORMAT", "Text")],
        [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")],
        [
            ("RUST_LOG", "aws_smithy_runtime=trace,hyper=trace,lambda_runtime=trace"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ],
        [("RUST_LOG", "jw_webhook_forwarder=trace"), ("RUST_BACKTRACE", "1")],
    ];
    all_at_once(settings, async |[(one, value), (other, other_value)]| {
        let aws = Aws::start().await;
        let start = Function::of(&aws).short_lived_secret().env(one, value).env(other, other_value);
        let function = start.start().await;
        let answers = everything_happens(&function, &aws).await;
        assert_eq!(answers.len(), 14);
        for line in function.stderr.lines() {
            let line: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            let target = line["target"].as_str().expect("a target");
            let detailed = ["DEBUG", "TRACE"].contains(&line["level"].as_str().expect("a level"));
            assert!(
                !detailed || target.starts_with("jw_webhook_forwarder"),
                "{one}={value}: {line}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn every_log_level_of_lambdas_is_taken() {
    all_at_once(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"], async |level| {
        let aws = Aws::start().await;
        let function = Function::of(&aws).env("AWS_LAMBDA_LOG_LEVEL", level).start().await;
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{level}");
        check_metrics(&answer.log);
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_ours_says_in_the_log_what_aws_said() {
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
