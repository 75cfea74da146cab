//! The logs contain nothing unverified, and no secret, token or signature.

use crate::support::{
    Answer, Aws, Delivery, Function, GetSecretValue, HoldMessage, MEDIA_AVAILABLE, OTHER_SECRET,
    Record, Reply, SECRET, SendMessage, all_at_once, event, one_second_passes, token,
};
use serde_json::{Value, json};

const CANARY: &str = "xCANARYx";

/// Requests with a marker in every place that a stranger controls.
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
async fn unverified_data_is_never_logged_at_any_level() {
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

#[tokio::test]
async fn held_token_is_never_logged_at_any_level() {
    all_at_once(["ERROR", "INFO", "TRACE"], async |level| {
        let aws = Aws::start().await;
        aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
        aws.next(HoldMessage, [Reply::Raw(500, SECRET), Reply::Error(403, "AccessDenied")]);
        let start = Function::of(&aws).holding().env("AWS_LAMBDA_LOG_LEVEL", level);
        let mut function = start.env("RUST_LOG", "trace").start().await;
        let claims = event(json!({"media_id": CANARY, CANARY: CANARY}));
        let forged = Delivery::signed(claims, OTHER_SECRET);
        for verdict in ["503 secret_unavailable", "503 held secret_unavailable"] {
            assert_eq!(function.invoke(&forged).await.verdict(), verdict, "{level}");
        }
        let _ = function.deliver([Record::new("a", forged.bearer())]).lines(0).await;
        aws.works_again(GetSecretValue);
        one_second_passes().await;
        let bodies = [forged.bearer(), CANARY, &format!("{CANARY}.{CANARY}.{CANARY}")]
            .map(|body| Record::new("a", body));
        for record in bodies {
            function.deliver([record]).await.verdicts();
        }
        let other = Record::new("a", CANARY).of_queue("arn:aws:sqs:eu-west-1:1:other");
        let _ = function.deliver([other]).lines(0).await;
        assert_eq!(function.stop().matches(CANARY).count(), 0, "{level}");
    })
    .await;
}

/// Sends requests that get every possible result while secrets are in use. Each function searches
/// its output for the secrets when it is dropped.
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
    let batch = [&good, &forged].map(|delivery| Record::new("a", delivery.bearer()));
    function.deliver(batch).lines(0).await;
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
async fn secrets_tokens_and_signatures_are_never_logged_at_any_level() {
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
        let start = Function::of(&aws)
            .holding()
            .short_lived_secret()
            .env(one, value)
            .env(other, other_value);
        let function = start.start().await;
        let answers = everything_happens(&function, &aws).await;
        assert_eq!(answers.len(), 14);
        for line in function.stderr.lines() {
            let line: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
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
