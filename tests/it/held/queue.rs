//! The held queue fails. The function counts an event that it cannot hold as lost, and still
//! answers in time.

use super::{assert_held, forged, good};
use crate::support::{
    Aws, Function, GetSecretValue, HoldMessage, Order, Reply, SendMessage, all_at_once, millis,
    queue_faults, queue_lies, queue_refusals, seconds,
};
use serde_json::json;

const DENIED: Reply = Reply::Error(400, "AccessDeniedException");

#[tokio::test]
async fn event_is_counted_as_lost_without_a_held_queue() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, DENIED);
    let function = Function::start(&aws).await;
    for delivery in [good(), forged()] {
        let answer = function.invoke(&delivery).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable");
        assert!(answer.is_lost());
    }
    let answer = function.invoke(&good().body("{}")).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert!(!answer.is_lost(), "the body differs from the token's payload");
    assert_eq!((aws.calls(HoldMessage), aws.calls(SendMessage)), (0, 0));
}

#[tokio::test]
async fn send_to_the_held_queue_is_retried_after_a_transient_fault() {
    // a held message has no attributes, so the response has no digest of attributes
    let of_attributes = |fault: &Reply| format!("{fault:?}").contains("MD5OfMessageAttributes");
    let lies = queue_lies().into_iter().filter(|lie| !of_attributes(lie));
    all_at_once(queue_faults().into_iter().chain(lies), async |fault| {
        let case = format!("{fault:?}");
        let aws = Aws::start().await;
        aws.always(GetSecretValue, DENIED);
        aws.next(HoldMessage, [fault.clone(), fault]);
        let function = Function::of(&aws).holding().start().await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert_eq!(aws.calls(HoldMessage), 3, "{case}");
        assert_held([&good()], &aws, &function, &case);
    })
    .await;
}

#[tokio::test]
async fn event_is_counted_as_lost_if_the_held_queue_stays_unavailable() {
    let outages = [
        Reply::Hang,
        Reply::Delay(seconds(60)),
        Reply::Break(Order::Reset),
        Reply::Error(400, "ThrottlingException"),
        Reply::QueryError(400, "KmsThrottled", "KMS.ThrottlingException"),
        Reply::Error(503, "ServiceUnavailable"),
        Reply::Raw(200, "<html>"),
        Reply::Lost(json!({"MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e"})),
        Reply::Lost(json!({"MessageId": null})),
    ];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        aws.always(GetSecretValue, DENIED);
        aws.always(HoldMessage, outage);
        let function = Function::of(&aws).holding().start().await;
        let answer = function.invoke(&good()).within(seconds(4)).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable", "{case}");
        assert!(answer.is_lost(), "{case}");
        assert!(answer.took > millis(1_500), "{case}: gave up after {:?}", answer.took);
        assert_held([], &aws, &function, &case);
        // the queue works again for the next event
        aws.works_again(HoldMessage);
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert_held([&good()], &aws, &function, &case);
    })
    .await;
}

#[tokio::test]
async fn event_is_counted_as_lost_without_retry_if_the_held_queue_rejects_it() {
    all_at_once(queue_refusals(), async |refusal| {
        let case = format!("{refusal:?}");
        let aws = Aws::start().await;
        aws.keep("too short");
        aws.always(HoldMessage, refusal);
        let function = Function::of(&aws).holding().start().await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 secret_invalid", "{case}");
        assert!(answer.is_lost(), "{case}");
        assert_eq!(aws.calls(HoldMessage), 1, "{case}");
        assert_held([], &aws, &function, &case);
    })
    .await;
}

#[tokio::test]
async fn request_is_answered_within_20_seconds_if_secret_and_held_queue_hang() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Hang);
    aws.always(HoldMessage, Reply::Hang);
    let function = Function::of(&aws).holding().start().await;
    let answer = function.invoke(&good()).within(seconds(60)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert!(answer.is_lost());
    assert!(answer.took > seconds(12) && answer.took < seconds(20), "{:?}", answer.took);
}

#[tokio::test]
async fn answer_comes_before_a_short_deadline_if_secret_and_held_queue_hang() {
    all_at_once([700, 1_000, 1_500, 2_000, 3_000], async |deadline| {
        let aws = Aws::start().await;
        aws.always(GetSecretValue, Reply::Hang);
        aws.always(HoldMessage, Reply::Hang);
        let function = Function::of(&aws).holding().start().await;
        // `invoke` also checks Lambda's deadline
        let answer = function.invoke(&good()).within(millis(deadline)).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable", "{deadline} ms");
        assert!(answer.is_lost(), "{deadline} ms");
    })
    .await;
}

#[tokio::test]
async fn verified_event_is_accepted_while_the_held_queue_is_unavailable() {
    let aws = Aws::start().await;
    aws.always(HoldMessage, Reply::Hang);
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    assert_eq!(aws.calls(HoldMessage), 0);
}

#[tokio::test]
async fn event_is_held_while_the_event_queue_is_unavailable() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, DENIED);
    aws.always(SendMessage, Reply::Hang);
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 held secret_unavailable");
    assert_held([&good()], &aws, &function, "the event queue is down");
}
