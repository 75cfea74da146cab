//! The time limit of a batch. All records run concurrently and share one time limit. If no secret
//! is available, the batch returns to the held queue early.

use super::{forged, good, record};
use crate::support::{
    Aws, Batch, Delivery, Function, GetSecretValue, Record, Reply, SECRET, SendMessage,
    all_at_once, event, millis, one_second_passes, seconds,
};
use serde_json::json;

const DENIED: Reply = Reply::Error(400, "AccessDeniedException");

fn ids() -> Vec<String> {
    (0..10).map(|number| number.to_string()).collect()
}

/// Ten events.
fn ten() -> Vec<Record> {
    let delivery = |id: &str| Delivery::of(event(json!({"media_id": format!("media{id}")})));
    ids().iter().map(|id| record(id, &delivery(id))).collect()
}

/// Expects that all messages of a batch stay in the held queue because there was no secret. The log
/// has one line for each record, or no line if the records were not tried.
fn assert_returned(function: &Function, batch: &Batch, reason: &str, case: &str) {
    assert_eq!(batch.stay, ids(), "{case}");
    let logs = function.wide_events(&batch.request_id);
    assert!(logs.is_empty() || logs.len() == 10, "{case}: {logs:#?}");
    let verdicts = Batch { logs, stay: vec![], request_id: String::new(), ..*batch }.verdicts();
    assert!(
        verdicts.iter().all(|verdict| *verdict == format!("held {reason}")),
        "{case}: {verdicts:?}"
    );
}

#[tokio::test]
async fn batch_returns_to_the_held_queue_early_if_the_secret_is_unavailable() {
    let unusable = Reply::Altered(json!({"SecretString": "too short"}));
    let failures = [
        (DENIED, "secret_unavailable", millis(1_000)),
        (unusable, "secret_invalid", millis(1_000)),
        // Fetching a secret takes at most 5 s for all records together.
        (Reply::Error(500, "InternalServiceError"), "secret_unavailable", millis(6_000)),
        (Reply::Hang, "secret_unavailable", millis(6_000)),
    ];
    all_at_once(failures, async |(failure, reason, longest)| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        aws.always(GetSecretValue, failure);
        let function = Function::of(&aws).holding().start().await;
        let first = function.deliver(ten()).lines(0).await;
        assert!(first.waited < longest, "{case}: {:?}", first.took);
        // In the second after the failed fetch, the batch does not wait for the secret.
        let second = function.deliver(ten()).lines(0).await;
        assert!(second.waited < millis(700), "{case}: {:?}", second.took);
        aws.works_again(GetSecretValue);
        one_second_passes().await;
        let third = function.deliver(ten()).await;
        assert_eq!(third.verdicts(), vec!["accepted none"; 10], "{case}");
        assert!(third.stay.is_empty() && aws.queued().len() == 10, "{case}");
        for batch in [&first, &second] {
            assert_returned(&function, batch, reason, &case);
        }
        assert!(function.undelivered().is_empty(), "{case}");
    })
    .await;
}

#[tokio::test]
async fn batch_is_verified_with_the_cached_secret_during_an_outage() {
    let outages = [Reply::Hang, Reply::Error(503, "ServiceUnavailableException")];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        let function = Function::of(&aws).holding().short_lived_secret().start().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        aws.always(GetSecretValue, outage);
        one_second_passes().await;
        let mut records = ten();
        records[3] = record("3", &forged());
        let batch = function.deliver(records).await;
        assert_eq!(batch.stay, ["3"], "{case}");
        assert_eq!(batch.verdicts()[..9], vec!["accepted none"; 9], "{case}");
        assert_eq!(
            batch.verdicts()[9],
            "held secret_unavailable",
            "{case}: without a secret a forged token cannot be told from a good one"
        );
        assert!(batch.waited < millis(2_500), "{case}: {:?}", batch.took);
    })
    .await;
}

#[tokio::test]
async fn records_of_a_batch_run_in_parallel() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Delay(millis(900)));
    let function = Function::of(&aws).holding().start().await;
    let batch = function.deliver(ten()).await;
    assert_eq!(batch.verdicts(), vec!["accepted none"; 10]);
    assert_eq!(aws.most_at_once(SendMessage), 10);
    assert!(batch.waited < seconds(3), "{:?}", batch.took);
}

#[tokio::test]
async fn forged_records_of_a_batch_share_one_recheck() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::of(&aws).holding().start().await;
    let batch = function.deliver(ids().iter().map(|id| record(id, &forged()))).await;
    assert_eq!(batch.stay, ids());
    assert_eq!(aws.calls(GetSecretValue), 2, "one fetch at the start and one for the batch");
}

#[tokio::test]
async fn failing_send_of_one_record_does_not_stop_the_others() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.next(SendMessage, [Reply::Error(403, "AccessDenied"), Reply::Hang]);
    let batch = function.deliver(ten()).await;
    assert_eq!(batch.stay.len(), 1);
    assert_eq!(batch.verdicts()[9], "held queue_refused");
    assert_eq!(aws.queued().len(), 1 + 9);
}

#[tokio::test]
async fn batch_is_answered_within_twenty_seconds() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Hang);
    let function = Function::of(&aws).holding().start().await;
    let batch = function.deliver(ten()).within(seconds(60)).await;
    assert_eq!(batch.stay, ids());
    assert_eq!(batch.verdicts(), vec!["held queue_unavailable"; 10]);
    assert!(batch.took > seconds(16) && batch.took < seconds(20), "{:?}", batch.took);
}

#[tokio::test]
async fn batch_is_answered_before_a_short_deadline() {
    all_at_once([700, 1_000, 2_000, 3_000], async |deadline| {
        let aws = Aws::start().await;
        aws.always(SendMessage, Reply::Hang);
        let function = Function::of(&aws).holding().start().await;
        // `deliver` also checks Lambda's deadline
        let batch = function.deliver(ten()).within(millis(deadline)).await;
        assert_eq!(batch.stay, ids(), "{deadline} ms");
    })
    .await;
}

#[tokio::test]
async fn empty_batch_is_answered() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    let batch = function.deliver([]).await;
    assert!(batch.stay.is_empty() && !batch.all_stay && batch.logs.is_empty(), "{batch:?}");
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
}
