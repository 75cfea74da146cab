//! Several concurrent requests in one process, as on Lambda's managed instances.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, Message, OTHER_SECRET, Reply, SECRET, SendMessage,
    all_at_once, event, millis, one_second_passes, seconds,
};
use serde_json::json;
use std::time::Instant;

fn numbered(number: usize) -> Delivery {
    Delivery::of(event(json!({"media_id": format!("media{number:03}")})))
}

#[tokio::test]
async fn requests_up_to_the_concurrency_limit_run_in_parallel() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Delay(millis(700)));
    let function = Function::of(&aws).concurrency(8).start().await;
    let ids = all_at_once(0..8, async |number| {
        let answer = function.invoke(&numbered(number)).await;
        assert_eq!(answer.verdict(), "200 accepted");
        let queued =
            aws.queued().into_iter().find(|message| answer.body["message_id"] == message.id);
        let media_id = format!("media{number:03}");
        assert_eq!(
            queued.expect("its message").attribute("media_id"),
            Some(media_id.as_str()),
            "its own"
        );
        answer.event_id().to_owned()
    })
    .await;
    assert_eq!(aws.most_at_once(SendMessage), 8);
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 8);
}

#[tokio::test]
async fn concurrent_messages_carry_their_own_trace_headers() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Delay(millis(200)));
    let function = Function::of(&aws).concurrency(8).start().await;
    let trace =
        |number: usize| format!("Root=1-5759e988-{number:024x};Parent=53995c3f42cd8ad8;Sampled=1");
    all_at_once(0..8, async |number| {
        let answer = function.invoke(&numbered(number)).traced(&trace(number)).await;
        assert_eq!(answer.verdict(), "200 accepted");
    })
    .await;
    for number in 0..8 {
        let media_id = format!("media{number:03}");
        let of_it = |message: &Message| message.attribute("media_id") == Some(media_id.as_str());
        let message = aws.queued().into_iter().find(of_it).expect("its message");
        assert_eq!(message.trace_header, Some(trace(number)));
    }
}

#[tokio::test]
async fn requests_run_one_at_a_time_without_a_concurrency_limit() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Delay(millis(150)));
    let function = Function::start(&aws).await;
    all_at_once(0..4, async |number| {
        assert_eq!(function.invoke(&numbered(number)).await.verdict(), "200 accepted");
    })
    .await;
    assert_eq!(aws.most_at_once(SendMessage), 1);
}

#[tokio::test]
async fn slow_send_does_not_delay_other_requests() {
    let aws = Aws::start().await;
    aws.next(SendMessage, [Reply::Delay(millis(1_900))]);
    let function = Function::of(&aws).concurrency(8).start().await;
    let slow = numbered(0);
    let others = async {
        aws.until_calls(SendMessage, 1).await;
        let began = Instant::now();
        for number in 1..20 {
            assert_eq!(function.invoke(&numbered(number)).await.verdict(), "200 accepted");
        }
        assert!(began.elapsed() < millis(1_500), "{:?}", began.elapsed());
    };
    let (answer, ()) = tokio::join!(function.invoke(&slow).into_future(), others);
    assert_eq!(answer.verdict(), "200 accepted");
    assert!(answer.took > millis(1_800));
}

#[tokio::test]
async fn slow_fetch_for_an_unknown_webhook_does_not_delay_known_webhooks() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::of(&aws).concurrency(8).start().await;
    assert_eq!(function.invoke(&numbered(0)).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Delay(millis(1_900)));
    let unknown = Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET);
    let others = async {
        aws.until_calls(GetSecretValue, 2).await;
        let began = Instant::now();
        for number in 1..20 {
            assert_eq!(function.invoke(&numbered(number)).await.verdict(), "200 accepted");
        }
        assert!(began.elapsed() < millis(1_500), "{:?}", began.elapsed());
    };
    let (answer, ()) = tokio::join!(function.invoke(&unknown).into_future(), others);
    // a recheck waits for at most a second
    assert_eq!(answer.verdict(), "503 secret_unavailable");
}

#[tokio::test]
async fn requests_with_an_expired_secret_share_one_fetch() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).short_lived_secret().concurrency(8).start().await;
    assert_eq!(function.invoke(&numbered(0)).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Delay(millis(400)));
    one_second_passes().await;
    all_at_once(0..8, async |number| {
        assert_eq!(function.invoke(&numbered(number)).await.verdict(), "200 accepted");
    })
    .await;
    assert_eq!((aws.calls(GetSecretValue), aws.most_at_once(GetSecretValue)), (2, 1));
}

#[tokio::test]
async fn requests_without_a_cached_secret_share_one_fetch() {
    let aws = Aws::start().await;
    aws.next(GetSecretValue, [Reply::Error(400, "AccessDeniedException")]);
    let function = Function::of(&aws).concurrency(8).start().await;
    function.may_fetch_again_after_a_denial(&aws).await;
    aws.always(GetSecretValue, Reply::Delay(millis(400)));
    all_at_once(0..8, async |number| {
        assert_eq!(function.invoke(&numbered(number)).await.verdict(), "200 accepted");
    })
    .await;
    assert_eq!((aws.calls(GetSecretValue), aws.most_at_once(GetSecretValue)), (2, 1));
}

#[tokio::test]
async fn concurrent_requests_keep_their_own_deadlines() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Hang);
    let function = Function::of(&aws).concurrency(8).start().await;
    let answers = all_at_once([2, 3, 4, 5], async |deadline| {
        let answer = function.invoke(&numbered(deadline)).within(seconds(deadline as u64)).await;
        assert_eq!(answer.verdict(), "503 queue_unavailable");
        answer.took
    })
    .await;
    assert!(answers.is_sorted(), "{answers:?}");
    assert_eq!(function.undelivered().len(), 4);
}
