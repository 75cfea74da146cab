//! If an outage ends before the deadline, the function retries and loses no event.

use crate::support::{
    Aws, Delivery, Function, MEDIA_AVAILABLE, Order, Reply, SendMessage, all_at_once, millis,
    queue_faults, queue_lies, seconds,
};
use serde_json::json;

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

/// Sends one event, whose first two sends to SQS fail in this way. Expects that the event is
/// queued, and only once on a FIFO queue. All sends must have the same message, so that SQS can
/// drop the duplicates.
async fn survives(fault: Reply) {
    let aws = Aws::start().await;
    aws.next(SendMessage, [fault.clone(), fault.clone()]);
    let function = Function::of(&aws).fifo().start().await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted", "{fault:?}");
    assert_eq!(aws.calls(SendMessage), 3, "{fault:?}");
    let [queued] =
        aws.queued().try_into().unwrap_or_else(|queued| panic!("{fault:?}: {queued:#?}"));
    assert_eq!(answer.body["message_id"], queued.id, "{fault:?}");
    for send in aws.sends() {
        assert_eq!(send.with_id(&queued.id), queued, "{fault:?}: all sends have the same message");
    }
    assert_eq!(function.undelivered(), Vec::<serde_json::Value>::new(), "{fault:?}");
}

#[tokio::test]
async fn transient_faults_are_retried_without_losing_the_event() {
    all_at_once(queue_faults(), survives).await;
}

#[tokio::test]
async fn send_is_retried_if_the_response_does_not_confirm_the_message() {
    all_at_once(queue_lies(), survives).await;
}

#[tokio::test]
async fn send_is_retried_if_the_response_has_a_wrong_attribute_digest() {
    survives(Reply::Altered(json!({"MD5OfMessageAttributes": "d41d8cd98f00b204e9800998ecf8427e"})))
        .await;
}

#[tokio::test]
async fn hanging_call_times_out_and_is_retried() {
    let aws = Aws::start().await;
    aws.next(SendMessage, [Reply::Hang]);
    let function = Function::start(&aws).await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    assert_eq!((aws.calls(SendMessage), aws.queued().len()), (2, 1));
}

#[tokio::test]
async fn unanswered_message_is_retried_with_the_same_deduplication_id() {
    let ambiguous = [
        Reply::Hang,
        Reply::Delay(seconds(8)),
        Reply::Break(Order::Reset),
        Reply::Break(Order::Close),
        Reply::Error(500, "InternalError"),
        Reply::Raw(504, ""),
    ];
    all_at_once(ambiguous, async |then| {
        let aws = Aws::start().await;
        aws.next(SendMessage, [Reply::TakenThen(Box::new(then.clone()))]);
        let function = Function::of(&aws).fifo().start().await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "200 accepted", "{then:?}");
        let sends = aws.sends();
        assert_eq!(sends.len(), 2, "{then:?}");
        assert_eq!(sends[0].deduplication, sends[1].deduplication, "{then:?}");
        assert_eq!(aws.queued().len(), 1, "{then:?}");
        assert_eq!(answer.body["message_id"], aws.queued()[0].id, "{then:?}");
        assert!(function.undelivered().is_empty(), "{then:?}");
    })
    .await;
}

#[tokio::test]
async fn duplicate_messages_on_a_standard_queue_have_one_event_id() {
    let aws = Aws::start().await;
    aws.next(SendMessage, [Reply::TakenThen(Box::new(Reply::Break(Order::Reset)))]);
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted");
    let [first, second] = aws.queued().try_into().expect("the message is queued twice");
    assert_eq!(first.attributes, second.attributes);
    assert_eq!(first.attribute("event_id"), Some(answer.event_id()));
    assert_eq!(answer.body["message_id"], second.id);
}

#[tokio::test]
async fn event_is_accepted_if_sqs_responds_slowly() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Delay(millis(900)));
    let function = Function::start(&aws).await;
    assert_eq!(function.invoke(&good()).within(seconds(5)).await.verdict(), "200 accepted");
    assert_eq!((aws.calls(SendMessage), aws.queued().len()), (1, 1));
}

#[tokio::test]
async fn event_is_retried_until_a_short_outage_ends() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(503, "ServiceUnavailable"));
    let function = Function::start(&aws).await;
    let delivery = good();
    let recovery = async {
        aws.until_calls(SendMessage, 4).await;
        aws.always(SendMessage, Reply::Normal);
    };
    let (answer, ()) = tokio::join!(function.invoke(&delivery).into_future(), recovery);
    assert_eq!(answer.verdict(), "200 accepted");
    assert!(function.undelivered().is_empty());
}

#[tokio::test]
async fn event_is_queued_when_an_unreachable_queue_is_reachable_again() {
    let (secrets, mut queue) = (Aws::start().await, Aws::start().await);
    let start = Function::of(&secrets).also(&queue);
    let function = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    queue.gone().await;
    let delivery = good();
    let recovery = async {
        tokio::time::sleep(millis(700)).await;
        queue.back();
    };
    let (answer, ()) = tokio::join!(function.invoke(&delivery).into_future(), recovery);
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(queue.queued().len(), 2);
}

#[tokio::test]
async fn no_event_is_lost_if_connections_died_between_requests() {
    let ends = [Order::Close, Order::Reset, Order::Mute];
    all_at_once(ends, async |how| {
        let aws = Aws::start().await;
        let function = Function::of(&aws).short_lived_secret().start().await;
        for round in 1..=3 {
            assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{how:?}");
            assert_eq!(aws.queued().len(), round, "{how:?}");
            aws.break_connections(how);
        }
    })
    .await;
}

#[tokio::test]
async fn no_event_is_lost_if_sqs_closes_the_connection_after_each_response() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Break(Order::CloseAfterAnswer));
    let function = Function::start(&aws).await;
    for _ in 0..5 {
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    }
    assert_eq!(aws.queued().len(), 5);
}

#[tokio::test]
async fn retry_after_a_5xx_uses_a_new_connection_without_logging_an_error() {
    let (secrets, queue) = (Aws::start().await, Aws::start().await);
    let start = Function::of(&secrets).also(&queue);
    let function = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    let connections = queue.connections();
    let errors = [Reply::Error(503, "ServiceUnavailable"), Reply::Error(500, "InternalError")];
    queue.next(SendMessage, errors);
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    assert_eq!(
        queue.connections(),
        connections + 2,
        "each retry after a 5xx uses a new connection"
    );
    let error_lines: Vec<_> =
        function.stderr.lines().into_iter().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(error_lines, Vec::<String>::new());
}
