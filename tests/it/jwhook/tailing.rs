//! `jwhook tail` shows events as they reach the queue, and leaves them for the consumers.

use super::support::{Account, JwApi, Jwhook, QueueType, Until};
use crate::support::{millis, seconds};
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use serde_json::{Value, json};

const RECEIVE_COUNT: MessageSystemAttributeName =
    MessageSystemAttributeName::ApproximateReceiveCount;

/// Puts a message into the queue, as the function does.
async fn put(account: &Account, media_id: &str) {
    let attribute = |value: &str| {
        MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
    };
    let event_id = format!("{media_id}{}", "0".repeat(64 - media_id.len()));
    let mut send = account.sqs.send_message().queue_url(&account.queue_url);
    if account.queue_url.ends_with(".fifo") {
        send = send.message_group_id(media_id).message_deduplication_id(&event_id);
    }
    send.message_body(json!({"event": "media_updated", "media_id": media_id}).to_string())
        .message_attributes("event", attribute("media_updated"))
        .message_attributes("media_id", attribute(media_id))
        .message_attributes("site_id", attribute("jsPxIVHl"))
        .message_attributes("webhook_id", attribute("7Rav0hC5"))
        .message_attributes("event_id", attribute(&event_id))
        .send()
        .await
        .unwrap();
}

/// Receives all messages as a consumer does. Returns each message with its receive count, which
/// includes this receive.
async fn receive(account: &Account) -> Vec<(String, u32)> {
    let receive = account.sqs.receive_message().queue_url(&account.queue_url);
    let receive = receive.max_number_of_messages(10).visibility_timeout(0);
    let receive = receive.message_system_attribute_names(RECEIVE_COUNT).send().await.unwrap();
    let received = receive.messages.unwrap_or_default().into_iter().map(|message| {
        let count = message.attributes.unwrap()[&RECEIVE_COUNT].parse().unwrap();
        let body: Value = serde_json::from_str(&message.body.unwrap()).unwrap();
        (body["media_id"].as_str().unwrap().to_owned(), count)
    });
    let mut received: Vec<_> = received.collect();
    received.sort();
    received
}

fn calls(account: &Account, name: &str) -> usize {
    account.calls().iter().filter(|call| *call == name).count()
}

/// Waits until `tail` has counted the messages this many more times. Before each count, `tail`
/// prints the messages that it has received.
async fn ticks(account: &Account, number: usize) {
    let counts = "GetQueueAttributes";
    account.until(Until::Performed, counts, calls(account, counts) + number).await;
}

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn events_are_shown_on_arrival_and_stay_in_the_queue() {
    for queue in [QueueType::Standard, QueueType::Fifo] {
        let account = Account::with("{}", queue, &[]).await;
        let jw = JwApi::start([]).await;
        put(&account, "first000").await;
        put(&account, "second00").await;
        let tail = Jwhook::of(&account, &jw, &["tail", "--output", "json"]).spawn();
        account.until(Until::Performed, "ReceiveMessage", 1).await;
        put(&account, "third000").await;
        let before = calls(&account, "ReceiveMessage");
        account.until(Until::Performed, "ReceiveMessage", before + 1).await;
        ticks(&account, 1).await;
        tail.interrupt();
        let ran = tail.end(&jw).await;
        assert!(ran.stderr.contains("counts as one of the 5 receives"), "{ran:?}");
        let shown = events(&ran.done());
        let mut ids: Vec<_> = shown.iter().map(|event| event["media_id"].clone()).collect();
        ids.sort_by_key(Value::to_string);
        assert_eq!(ids, ["first000", "second00", "third000"], "{queue:?}");
        let event = shown.iter().find(|event| event["media_id"] == "third000").unwrap();
        assert_eq!(event["event_id"], format!("third000{}", "0".repeat(56)));
        assert_eq!(event["body"], r#"{"event":"media_updated","media_id":"third000"}"#);
        assert_eq!([&event["channel_id"], &event["receive_count"]], [&json!(null), &json!(1)]);
        let there: Vec<_> = receive(&account).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(there, ["first000", "second00", "third000"], "{queue:?}");
    }
}

#[tokio::test]
async fn table_shows_the_newest_event_of_a_batch_first() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    for media_id in ["first000", "second00", "third000"] {
        put(&account, media_id).await;
        tokio::time::sleep(millis(5)).await;
    }
    let tail = Jwhook::of(&account, &jw, &["tail"]).spawn();
    account.until(Until::Performed, "ReceiveMessage", 1).await;
    ticks(&account, 1).await;
    tail.interrupt();
    let shown = tail.end(&jw).await.done();
    let rows: Vec<Vec<&str>> =
        shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[0],
        ["sent", "event", "media/channel", "site", "webhook", "event_id", "receives"]
    );
    let third = ["media_updated", "third000", "jsPxIVHl", "7Rav0hC5", "third0000000", "1"];
    assert_eq!(rows[1][1..], third, "{shown}");
    assert_eq!([rows[2][2], rows[3][2], &rows.len().to_string()], ["second00", "first000", "4"]);
}

#[tokio::test]
async fn message_without_a_consumer_is_received_at_most_twice() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    put(&account, "first000").await;
    let tail = Jwhook::of(&account, &jw, &["tail", "--for", "30", "--output", "json"]).spawn();
    account.until(Until::Performed, "ReceiveMessage", 1).await;
    ticks(&account, 5).await;
    tail.interrupt();
    assert_eq!(events(&tail.end(&jw).await.done()).len(), 1);
    let (_, count) = receive(&account).await.remove(0);
    assert!(count <= 3, "received {} times", count - 1);
}

#[tokio::test]
async fn tail_stops_before_it_uses_the_last_receive() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    put(&account, "first000").await;
    for expected in 1..=3 {
        assert_eq!(receive(&account).await, [("first000".to_owned(), expected)]);
    }
    let ran =
        Jwhook::of(&account, &jw, &["tail", "--for", "20", "--output", "json"]).run(&jw).await;
    assert_eq!(events(&ran.stdout)[0]["receive_count"], 4);
    let error = ran.error();
    assert!(
        error.contains("received 4 times, and SQS moves it to the dead-letter queue after 5"),
        "{error}"
    );
    assert!(error.contains("the last receive is for the consumer"), "{error}");
    assert_eq!(receive(&account).await, [("first000".to_owned(), 5)]);
}

#[tokio::test]
async fn tail_stops_after_one_receive_if_consumers_used_the_others() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    put(&account, "first000").await;
    for _ in 1..=4 {
        receive(&account).await;
    }
    let ran = Jwhook::of(&account, &jw, &["tail", "--for", "20"]).run(&jw).await;
    let error = ran.error();
    assert!(
        error.contains("received 5 times, and SQS moves it to the dead-letter queue after 5"),
        "{error}"
    );
    assert!(error.contains("no receive is left, so tail ends here"), "{error}");
    assert_eq!(calls(&account, "ReceiveMessage"), 1);
}

#[tokio::test]
async fn tail_receives_nothing_if_the_queue_allows_one_receive() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    let dead = account.sqs.get_queue_attributes().queue_url(&account.dead_letter_queue_url);
    let dead = dead.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
    let arn = &dead.attributes.unwrap()[&QueueAttributeName::QueueArn];
    let policy = json!({"maxReceiveCount": "1", "deadLetterTargetArn": arn}).to_string();
    let set = account.sqs.set_queue_attributes().queue_url(&account.queue_url);
    set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
    put(&account, "first000").await;
    let error = Jwhook::of(&account, &jw, &["tail"]).run(&jw).await.error();
    assert!(error.contains("a look would use this receive"), "{error}");
    assert_eq!(calls(&account, "ReceiveMessage"), 0);
}

#[tokio::test]
async fn tail_stops_after_the_given_time() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    let tail = Jwhook::of(&account, &jw, &["tail", "--for", "1", "--output", "json"]);
    assert_eq!(tail.run(&jw).await.done(), "");
}

#[tokio::test]
async fn unreadable_queue_is_an_error() {
    let account = Account::start("{}").await;
    let jw = JwApi::start([]).await;
    let url = account.queue_url.clone() + "-other";
    let tail = Jwhook::of(&account, &jw, &["tail", "--queue-url", &url]);
    let error = tokio::time::timeout(seconds(20), tail.run(&jw)).await.unwrap().error();
    assert!(error.contains(&format!("sqs:GetQueueAttributes on queue {url}: refused")), "{error}");
}
