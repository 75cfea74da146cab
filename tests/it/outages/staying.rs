//! Outages that outlast a request: the answer is a 503 in time, and the log contains the complete
//! event once.

use crate::support::{
    Answer, Aws, Delivery, FIFO_QUEUE, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET,
    Order, Reply, STANDARD_QUEUE, SendMessage, all_at_once, event, millis, padded, queue_refusals,
    seconds,
};
use serde_json::{Value, json};

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

/// Expects exactly one undelivered record, which has everything that is needed to queue the event.
/// Returns the record.
fn only_record(function: &Function, answer: &Answer, case: &str) -> Value {
    let [record] =
        function.undelivered().try_into().unwrap_or_else(|records| panic!("{case}: {records:#?}"));
    assert_eq!(record["event_id"], answer.log["event_id"], "{case}");
    record
}

fn sample_record(queue_url: &str, answer: &Answer) -> Value {
    let event_id = "d2726fa652ffdc106819d01af02890479e8bb444082f72b5f51cb48f45f38619";
    json!({
        "event_id": event_id,
        "body": MEDIA_AVAILABLE,
        "attributes": {
            "event": "media_available",
            "event_id": event_id,
            "media_id": "UUhbHm6C",
            "site_id": "jsPxIVHl",
            "webhook_id": "7Rav0hC5",
        },
        "queue_url": queue_url,
        "request_id": answer.log["request_id"],
    })
}

#[tokio::test]
async fn event_is_answered_in_time_and_logged_during_a_lasting_outage() {
    let outages = [
        Reply::Hang,
        Reply::Delay(seconds(60)),
        Reply::Break(Order::Reset),
        Reply::Break(Order::Close),
        Reply::Error(400, "ThrottlingException"),
        Reply::QueryError(400, "KmsThrottled", "KMS.ThrottlingException"),
        Reply::Error(500, "InternalError"),
        Reply::Raw(503, ""),
        Reply::Raw(200, "<html>"),
        Reply::Altered(json!({"MD5OfMessageBody": "d41d8cd98f00b204e9800998ecf8427e"})),
        Reply::Altered(json!({"MessageId": null})),
        Reply::TakenThen(Box::new(Reply::Hang)),
    ];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        aws.always(SendMessage, outage.clone());
        let function = Function::start(&aws).await;
        let answer = function.invoke(&good()).within(seconds(4)).await;
        assert_eq!(answer.verdict(), "503 queue_unavailable", "{case}");
        assert!(answer.took > millis(1_500), "{case}: gave up after {:?}", answer.took);
        let mut expected = sample_record(STANDARD_QUEUE, &answer);
        expected["group_id"] = json!("jsPxIVHl");
        assert_eq!(only_record(&function, &answer, &case), expected, "{case}");
        for send in aws.sends() {
            assert_eq!(
                send,
                aws.sends()[0].clone().with_id(&send.id),
                "{case}: all attempts send the same message"
            );
        }
        // The queue works again for the next event.
        aws.always(SendMessage, Reply::Normal);
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        assert_eq!(function.undelivered().len(), 1, "{case}");
    })
    .await;
}

#[tokio::test]
async fn event_is_answered_in_time_and_logged_if_the_queue_is_unreachable() {
    let (secrets, mut queue) = (Aws::start().await, Aws::start().await);
    queue.gone().await;
    let start = Function::of(&secrets).also(&queue).fifo();
    let function = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).start().await;
    let answer = function.invoke(&good()).within(seconds(3)).await;
    assert_eq!(answer.verdict(), "503 queue_unavailable");
    let mut expected = sample_record(FIFO_QUEUE, &answer);
    expected["group_id"] = json!("UUhbHm6C");
    expected["deduplication_id"] = expected["event_id"].clone();
    assert_eq!(only_record(&function, &answer, "gone"), expected);
}

#[tokio::test]
async fn rejection_by_sqs_is_not_retried_and_the_event_is_logged() {
    all_at_once(queue_refusals(), async |refusal| {
        let case = format!("{refusal:?}");
        let aws = Aws::start().await;
        aws.always(SendMessage, refusal.clone());
        let function = Function::start(&aws).await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "503 queue_refused", "{case}");
        assert_eq!(aws.calls(SendMessage), 1, "{case}");
        let mut expected = sample_record(STANDARD_QUEUE, &answer);
        expected["group_id"] = json!("jsPxIVHl");
        assert_eq!(only_record(&function, &answer, &case), expected, "{case}");
    })
    .await;
}

#[tokio::test]
async fn rejection_by_sqs_after_faults_ends_the_retries() {
    let aws = Aws::start().await;
    aws.next(SendMessage, [Reply::Error(500, "InternalError"), Reply::Error(403, "AccessDenied")]);
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "503 queue_refused");
    assert_eq!(aws.calls(SendMessage), 2);
    only_record(&function, &answer, "after faults");
}

#[tokio::test]
async fn each_undelivered_event_has_its_own_record() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let function = Function::of(&aws).concurrency(8).start().await;
    let numbers: Vec<usize> = (0..24).collect();
    let answers = all_at_once(numbers, async |number| {
        // the longest events take three parts each
        let title = "é\u{1F600}\n\"".repeat(number * 300);
        let claims = event(json!({"media_id": format!("media{number:03}"), "title": title}));
        let answer = function.invoke(&Delivery::of(claims)).await;
        assert_eq!(answer.verdict(), "503 queue_refused");
        answer.log["event_id"].clone()
    })
    .await;
    let mut expected: Vec<_> = answers.iter().map(Value::to_string).collect();
    let mut recorded: Vec<_> =
        function.undelivered().iter().map(|record| record["event_id"].to_string()).collect();
    expected.sort();
    recorded.sort();
    assert_eq!(recorded, expected);
}

#[tokio::test]
async fn undelivered_record_contains_the_whole_message() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::TakenThen(Box::new(Reply::Error(403, "AccessDenied"))));
    let function = Function::of(&aws).fifo().start().await;
    let claims = [
        " { \"media_id\" : \"two words\" , \"a\":\"\\u00e9é\u{fffe}\u{7f}\\ud800\", \"n\": 1.50 }\n".to_owned(),
        padded(262_144),
        event(json!({"title": "\"".repeat(130_000)})),
        event(json!({"title": "\u{ffff}\u{1f600}".repeat(37_000)})),
        "{}".into(),
    ];
    for claims in claims {
        let answer = function.invoke(&Delivery::of(&claims)).await;
        assert_eq!(answer.verdict(), "503 queue_refused");
        let sent = aws.sends().pop().expect("a message");
        let record = function.undelivered().pop().expect("a record");
        let expected = json!({
            "event_id": answer.log["event_id"],
            "body": sent.body,
            "attributes": sent.attributes,
            "group_id": sent.group,
            "deduplication_id": sent.deduplication,
            "queue_url": FIFO_QUEUE,
            "request_id": answer.log["request_id"],
        });
        assert_eq!(record, expected);
    }
}

#[tokio::test]
async fn unverified_event_has_no_undelivered_record() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let function = Function::start(&aws).await;
    let deliveries = [
        Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET),
        good().body("{}"),
        good().body("["),
        good().without_header("authorization"),
    ];
    for delivery in &deliveries {
        assert!(function.invoke(delivery).await.verdict().starts_with("40"));
    }
    assert_eq!(function.undelivered(), Vec::<Value>::new());
}

#[tokio::test]
async fn sending_is_retried_with_pauses_until_a_second_before_the_deadline() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(503, "ServiceUnavailable"));
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).within(seconds(6)).await;
    assert_eq!(answer.verdict(), "503 queue_unavailable");
    assert!(answer.took > millis(3_500) && answer.took < millis(5_500), "{:?}", answer.took);
    let calls = aws.calls(SendMessage);
    assert!((4..=40).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn request_takes_at_most_twenty_seconds_even_if_the_deadline_is_later() {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Hang);
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).within(seconds(60)).await;
    assert_eq!(answer.verdict(), "503 queue_unavailable");
    assert!(answer.took > seconds(16) && answer.took < seconds(20), "{:?}", answer.took);
    only_record(&function, &answer, "twenty seconds");
}

#[tokio::test]
async fn answer_comes_before_a_short_deadline_if_the_queue_hangs() {
    all_at_once([700, 1_000, 1_500, 2_000, 2_500], async |deadline| {
        let aws = Aws::start().await;
        let function = Function::start(&aws).await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
        aws.always(SendMessage, Reply::Hang);
        let answer = function.invoke(&good()).within(millis(deadline)).await;
        assert_eq!(answer.verdict(), "503 queue_unavailable", "{deadline} ms");
        only_record(&function, &answer, &format!("{deadline} ms"));
    })
    .await;
}

#[tokio::test]
async fn slow_secret_and_hanging_queue_share_one_deadline() {
    let aws = Aws::start().await;
    aws.next(GetSecretValue, [Reply::Error(400, "AccessDeniedException")]); // the fetch at the start
    aws.always(GetSecretValue, Reply::Delay(millis(600)));
    aws.always(SendMessage, Reply::Hang);
    let function = Function::start(&aws).await;
    function.may_fetch_again_after_a_denial(&aws).await;
    let answer = function.invoke(&good()).within(seconds(5)).await;
    assert_eq!(answer.verdict(), "503 queue_unavailable");
    assert_eq!(answer.log["secret_age_s"], 0, "fetched by this request");
    assert!(aws.calls(SendMessage) >= 1);
    only_record(&function, &answer, "both slow");
}

#[tokio::test]
async fn answer_comes_before_the_deadline_if_secrets_manager_hangs() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Hang);
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).within(seconds(3)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert_eq!(aws.calls(SendMessage), 0);
}
