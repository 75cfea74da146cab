//! The function takes each environment variable literally or does not start.

use crate::support::{
    Aws, Delivery, FIFO_QUEUE, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Reply,
    STANDARD_QUEUE, SendMessage, all_at_once, millis, one_second_passes, seconds,
};

/// Starts the function with this value of one variable. Expects that the process ends with an error
/// that names the variable.
async fn is_fatal(name: &str, value: Option<&str>) {
    let aws = Aws::start().await;
    let start = match value {
        Some(value) => Function::of(&aws).env(name, value),
        None => Function::of(&aws).without(name),
    };
    let mut function = start.start().await;
    let status = function.ended().await;
    let output = function.stop();
    assert!(!status.success() && status.code().is_some(), "{name}={value:?}: {status}");
    assert!(output.contains(name), "{name}={value:?} isn't named: {output}");
    assert_eq!((aws.calls(GetSecretValue), aws.calls(SendMessage)), (0, 0), "{name}={value:?}");
}

#[tokio::test]
async fn start_fails_with_an_error_that_names_the_missing_variable() {
    let names = ["QUEUE_URL", "WEBHOOK_SECRET_ID"];
    all_at_once(names, async |name| is_fatal(name, None).await).await;
    let names = ["QUEUE_URL", "WEBHOOK_SECRET_ID", "HELD_QUEUE_URL"];
    all_at_once(names, async |name| is_fatal(name, Some("")).await).await;
}

#[tokio::test]
async fn start_fails_with_an_error_that_names_the_variable_with_an_invalid_number() {
    for name in ["SECRET_TTL_SECONDS", "SECRET_MAX_STALE_SECONDS", "MAX_EVENT_AGE_SECONDS"] {
        let values =
            ["", " ", "-1", "1.5", "5m", "300s", "1e3", "0x10", "none", "99999999999999999999"];
        all_at_once(values, async |value| is_fatal(name, Some(value)).await).await;
    }
}

#[tokio::test]
async fn start_fails_with_an_error_that_names_the_variable_with_an_invalid_queue_url() {
    let values =
        ["jw-events", "arn:aws:sqs:eu-west-1:123456789012:jw-events", "sqs://queue", "https://"];
    all_at_once(values, async |value| is_fatal("QUEUE_URL", Some(value)).await).await;
    all_at_once(values, async |value| is_fatal("HELD_QUEUE_URL", Some(value)).await).await;
}

#[tokio::test]
async fn start_fails_with_an_error_that_names_the_variable_with_white_space() {
    let held = format!("{STANDARD_QUEUE}-held");
    for (name, good) in [
        ("QUEUE_URL", STANDARD_QUEUE),
        ("HELD_QUEUE_URL", &held),
        ("WEBHOOK_SECRET_ID", "jw/webhooks"),
        ("SECRET_TTL_SECONDS", "300"),
        ("RUST_LOG", "info,jw_webhook_forwarder=debug"),
    ] {
        let values = [
            format!("{good}\n"),
            format!("{good}\r\n"),
            format!(" {good}"),
            format!("{good}\u{a0}"),
            format!("\u{feff}{good}"),
        ];
        all_at_once(values, async |value| is_fatal(name, Some(&value)).await).await;
    }
}

/// If the event queue were also the held queue, the consumers would receive tokens. If the held
/// queue were a FIFO queue, the first token that stays would block all later ones.
#[tokio::test]
async fn start_fails_if_the_held_queue_is_a_fifo_queue_or_the_event_queue() {
    let own = STANDARD_QUEUE.replace("sqs.eu-west-1", "eu-west-1.queue"); // the older form of the queue's URL
    let values = [FIFO_QUEUE, STANDARD_QUEUE, &own];
    all_at_once(values, async |value| is_fatal("HELD_QUEUE_URL", Some(value)).await).await;
}

#[tokio::test]
async fn start_fails_with_an_error_that_names_the_variable_with_an_unknown_log_level() {
    let levels = [("AWS_LAMBDA_LOG_LEVEL", "LOUD"), ("RUST_LOG", "infoo"), ("RUST_LOG", "a=loud")];
    all_at_once(levels, async |(name, value)| is_fatal(name, Some(value)).await).await;
}

#[tokio::test]
async fn first_request_is_answered_if_secrets_manager_is_unreachable_at_start() {
    let mut aws = Aws::start().await;
    aws.gone().await;
    let function = Function::start(&aws).await;
    let delivery = Delivery::of(MEDIA_AVAILABLE);
    let answer = function.invoke(&delivery).within(seconds(4)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    aws.back();
    function.until_verdict("200 accepted", &delivery, seconds(3)).await;
    assert_eq!(aws.queued().len(), 1);
}

#[tokio::test]
async fn first_request_is_accepted_after_an_outage_during_the_start() {
    let outages = [
        Reply::Hang,
        Reply::Error(500, "InternalServiceError"),
        Reply::Error(400, "AccessDeniedException"),
    ];
    all_at_once(outages, async |outage| {
        let aws = Aws::start().await;
        aws.always(GetSecretValue, outage.clone());
        let function = Function::start(&aws).await;
        if matches!(outage, Reply::Error(400, _)) {
            function.may_fetch_again_after_a_denial(&aws).await;
        } else {
            aws.until_calls(GetSecretValue, 1).await; // the second attempt follows
        }
        aws.always(GetSecretValue, Reply::Normal);
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{outage:?}");
    })
    .await;
}

#[tokio::test]
async fn service_specific_endpoint_urls_override_aws_endpoint_url() {
    let (nothing, secrets, queue) = (Aws::start().await, Aws::start().await, Aws::start().await);
    let function = Function::of(&nothing)
        .env("AWS_ENDPOINT_URL_SQS", &queue.url())
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url())
        .start()
        .await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
    assert_eq!((secrets.calls(GetSecretValue), secrets.calls(SendMessage)), (1, 0));
    assert_eq!((queue.calls(GetSecretValue), queue.calls(SendMessage)), (0, 1));
    assert_eq!(nothing.connections(), 0);
}

#[tokio::test]
async fn secret_fetch_and_queue_connection_start_before_the_first_event() {
    let (secrets, queue) = (Aws::start().await, Aws::start().await);
    secrets.always(GetSecretValue, Reply::Delay(millis(500)));
    let function = Function::of(&queue)
        .also(&secrets)
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url())
        .start()
        .await;
    queue.until_connections(1).await;
    secrets.until_calls(GetSecretValue, 1).await;
    assert_eq!(
        secrets.calls_under_way(GetSecretValue),
        1,
        "the fetch runs while the connection to SQS opens"
    );
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!((secrets.calls(GetSecretValue), queue.calls(SendMessage)), (1, 1));
    assert_eq!(queue.connections(), 1, "the connection that was opened before the first call");
}

#[tokio::test]
async fn secret_is_cached_for_longer_than_a_second_by_default() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
    aws.keep(OTHER_SECRET);
    one_second_passes().await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
    assert_eq!(aws.calls(GetSecretValue), 1);
}
