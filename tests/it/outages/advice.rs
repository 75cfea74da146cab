//! The advice in the log when a queue rejects an event: the most likely cause, and what to do.

use crate::support::{
    Aws, Delivery, FIFO_QUEUE, Function, MEDIA_AVAILABLE, Reply, SECRET, STANDARD_QUEUE,
    SendMessage, all_at_once,
};
use serde_json::json;

const PERMISSIONS: &str =
    "check that the queue exists, that the function's role has sqs:SendMessage";
const GROUP: &str = "SQS probably rejects the message group id";

/// Makes this queue reject an event with this error code. Expects exactly this advice in the log.
async fn advised(queue_url: &str, code: &'static str, claims: &str, expected: &str) {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(400, code));
    let function = Function::of(&aws).env("QUEUE_URL", queue_url).start().await;
    let answer = function.invoke(&Delivery::signed(claims, SECRET)).await;
    let case = format!("{queue_url} {code}");
    assert_eq!(answer.verdict(), "503 queue_refused", "{case}");
    let find = |line: &str| line.contains("SQS rejected the event").then(|| line.to_owned());
    let line = function.stderr.find(&case, find).await;
    for advice in [expected, PERMISSIONS, GROUP, "the queue is in"] {
        assert_eq!(line.contains(advice), expected.starts_with(advice), "{case}: {line}");
    }
}

#[tokio::test]
async fn queue_in_another_region_is_reported_with_both_regions() {
    let hosts = [
        "sqs.us-east-1.amazonaws.com",
        "us-east-1.queue.amazonaws.com",
        "vpce-0a1b-2c3d.sqs.us-east-1.vpce.amazonaws.com",
        "sqs-fips.us-east-1.api.aws",
    ];
    let expected = "the queue is in us-east-1, and the function calls SQS in eu-west-1";
    all_at_once(hosts, async |host| {
        let url = STANDARD_QUEUE.replace("sqs.eu-west-1.amazonaws.com", host);
        advised(&url, "QueueDoesNotExist", MEDIA_AVAILABLE, expected).await;
    })
    .await;
}

#[tokio::test]
async fn group_id_that_a_standard_queue_may_reject_is_reported() {
    let without_site = json!({"webhook_id": "7Rav0hC5"}).to_string();
    let cases = [
        (STANDARD_QUEUE, "InvalidParameterValue", MEDIA_AVAILABLE, GROUP),
        (STANDARD_QUEUE, "InvalidParameterCombination", MEDIA_AVAILABLE, GROUP),
        (STANDARD_QUEUE, "InvalidParameterValue", &without_site, PERMISSIONS),
        (FIFO_QUEUE, "InvalidParameterValue", MEDIA_AVAILABLE, PERMISSIONS),
        (STANDARD_QUEUE, "AccessDenied", MEDIA_AVAILABLE, PERMISSIONS),
    ];
    all_at_once(cases, async |(url, code, claims, expected)| {
        advised(url, code, claims, expected).await;
    })
    .await;
}
