//! If some events cannot be sent, `recover` still sends the other events.

use super::super::support::{Jwhook, Meet, QueueType, Ran, Until};
use super::parts::changed;
use super::{Scene, record};
use serde_json::{Value, json};
use std::time::Instant;

const NOT_TAKEN: Meet =
    Meet::Answer(400, r#"{"__type":"com.amazonaws.sqs#InvalidMessageContents"}"#);
const DENIED: Meet = Meet::Answer(403, r#"{"__type":"com.amazonaws.sqs#AccessDenied"}"#);

impl Scene {
    /// The URL of a queue that was deleted.
    async fn deleted_queue(&self, name: &str) -> String {
        let create = self.account.sqs.create_queue().queue_name(name);
        let create = match name.ends_with(".fifo") {
            true => create.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true"),
            false => create,
        };
        let url = create.send().await.unwrap().queue_url.unwrap();
        self.account.sqs.delete_queue().queue_url(&url).send().await.unwrap();
        url
    }

    async fn log(&self, lines: &[String]) {
        self.account.log(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

/// A record of another event in this message group.
fn grouped(queue_url: &str, media_id: &str, group: &str) -> String {
    changed(&record(queue_url, media_id), |line| line["undelivered"]["group_id"] = json!(group))
}

/// The JSON output of a run that ended with exit code 1.
fn failed(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:#?}"))
}

/// The events' errors, in order. For an event that was sent, the error is empty.
fn errors(recovered: &Value) -> Vec<&str> {
    let events = recovered["events"].as_array().unwrap().iter();
    let error = |event: &'_ Value| event["error"].is_string() != event["message_id"].is_string();
    assert!(events.clone().all(error), "either an error or a message: {recovered}");
    events.map(|event| event["error"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn event_for_a_deleted_queue_does_not_stop_the_others() {
    let scene = Scene::with(QueueType::Standard).await;
    let (gone, queue) = (scene.deleted_queue("gone").await, &scene.account.queue_url);
    let lines =
        [(&gone, "first000"), (queue, "second00"), (&gone, "third000"), (queue, "fourth00")];
    scene.log(&lines.map(|(queue, media_id)| record(queue, media_id))).await;
    let ran = scene.recover(&["--yes"]).await;
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let told = format!("event first000{} to {gone}: refused: ", "0".repeat(56));
    for expected in [
        told.as_str(),
        "; check that the queue exists, that the identity of your AWS credentials has sqs:SendMessage",
        "event third000",
        "the events above were not sent. Repair the causes, then run the command again",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {ran:#?}");
    }
    let shown =
        "2 of 4 events sent, 0 further records of the same events skipped; 2 events failed\n";
    assert!(ran.stdout.ends_with(shown), "{ran:#?}");
    assert_eq!(scene.queued().await, ["second00", "fourth00"]);

    // with `--queue-url`, the events go to that queue
    let given = scene.recover(&["--yes", "--queue-url", queue]).await.done();
    assert!(given.contains("4 of 4 events sent"), "{given}");
}

#[tokio::test]
async fn recovery_of_a_standard_queue_continues_after_a_rejected_message() {
    let scene = Scene::with(QueueType::Standard).await;
    let url = &scene.account.queue_url;
    let lines = ["first000", "second00", "third000"].map(|id| grouped(url, id, "jsPxIVHl"));
    scene.log(&lines).await;
    scene.account.nth("SendMessage", 2, NOT_TAKEN);
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    let recovered = failed(&ran);
    let errors = errors(&recovered);
    assert_eq!([errors[0], errors[2]], ["", ""]);
    assert!(errors[1].starts_with("refused: InvalidMessageContents (status 400"), "{errors:?}");
    assert_eq!(["sent", "failed", "skipped"].map(|name| &recovered[name]), [2, 1, 0]);
    assert_eq!(scene.queued().await, ["first000", "third000"]);
}

#[tokio::test]
async fn later_events_of_a_fifo_group_are_not_sent_after_a_failure() {
    let scene = Scene::with(QueueType::Fifo).await;
    let url = &scene.account.queue_url;
    let lines = [("first000", "A"), ("second00", "A"), ("third000", "B"), ("fourth00", "A")];
    scene.log(&lines.map(|(media_id, group)| grouped(url, media_id, group))).await;
    scene.account.next("SendMessage", DENIED);
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    let recovered = failed(&ran);
    let errors = errors(&recovered);
    assert!(errors[0].starts_with("refused: AccessDenied"), "{errors:?}");
    for held_back in [errors[1], errors[3]] {
        assert!(held_back.starts_with("not tried, because event first000"), "{errors:?}");
    }
    assert_eq!(errors[2], "");
    assert_eq!(["sent", "failed"].map(|name| &recovered[name]), [1, 3]);
    assert!(ran.stderr.contains(&format!("event second00{} to {url}: not tried", "0".repeat(56))));
    assert_eq!(scene.queued().await, ["third000"]);

    scene.recover(&["--yes"]).await.done();
    assert_eq!(scene.queued().await, ["first000", "second00", "fourth00"]);
}

#[tokio::test]
async fn failed_fifo_group_does_not_stop_the_same_group_of_another_queue() {
    let scene = Scene::with(QueueType::Fifo).await;
    let gone = scene.deleted_queue("gone.fifo").await;
    let url = &scene.account.queue_url;
    let lines = [(&gone, "first000"), (url, "second00"), (&gone, "third000")];
    scene.log(&lines.map(|(queue, media_id)| grouped(queue, media_id, "A"))).await;
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    let recovered = failed(&ran);
    let errors = errors(&recovered);
    assert!(errors[0].starts_with("refused"), "{errors:?}");
    assert_eq!(errors[1], "");
    assert!(errors[2].starts_with("not tried, because event first000"), "{errors:?}");
    assert_eq!(scene.queued().await, ["second00"]);
}

#[tokio::test]
async fn unreachable_queue_times_out_once_and_does_not_stop_other_queues() {
    let scene = Scene::with(QueueType::Standard).await;
    let queue = scene.account.queue_url.clone();
    let other = scene.account.dead_letter_queue_url.clone();
    let lines = [(&other, "first000"), (&other, "second00"), (&queue, "third000")];
    scene.log(&lines.map(|(queue, media_id)| record(queue, media_id))).await;
    for _ in 0..4 {
        scene.account.next("SendMessage", Meet::Hold); // timeouts at 2, 6, 14 and 20 s
    }
    let began = Instant::now();
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    assert!(began.elapsed().as_secs() < 35, "{:?}", began.elapsed());
    let recovered = failed(&ran);
    let errors = errors(&recovered);
    let expected =
        "unreachable: no response in time; check the region, the credentials and the network";
    assert_eq!(errors[0], expected);
    let expected = "not tried, because SQS was unreachable for event first000";
    assert!(errors[1].starts_with(expected), "{errors:?}");
    assert_eq!(errors[2], "");
    assert_eq!(scene.account.count(Until::Begun, "SendMessage"), 5);
    assert_eq!(scene.queued().await, ["third000"]);
}

#[tokio::test]
async fn record_with_an_invalid_queue_url_does_not_stop_the_others() {
    let scene = Scene::with(QueueType::Standard).await;
    let lines = [("jw-events", "first000"), (scene.account.queue_url.as_str(), "second00")];
    scene.log(&lines.map(|(queue, media_id)| record(queue, media_id))).await;
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    let expected =
        "the record's queue_url is not the URL of an SQS queue; give the queue with --queue-url";
    assert_eq!(errors(&failed(&ran)), [expected, ""]);
    assert!(ran.stderr.contains(" to jw-events: the record's queue_url is not"), "{ran:#?}");
    assert_eq!(scene.queued().await, ["second00"]);
}

#[tokio::test]
async fn event_for_two_queues_is_sent_to_the_remaining_queue() {
    let scene = Scene::with(QueueType::Standard).await;
    let (gone, queue) = (scene.deleted_queue("gone").await, &scene.account.queue_url);
    scene.log(&[&gone, queue, queue].map(|queue| record(queue, "first000"))).await;
    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    let recovered = failed(&ran);
    assert_eq!(["sent", "failed", "skipped"].map(|name| &recovered[name]), [1, 1, 1]);
    assert_eq!(scene.queued().await, ["first000"]);

    let given = ["--yes", "--output", "json", "--queue-url", queue];
    let recovered = scene.recover(&given).await.json();
    assert_eq!(["sent", "failed", "skipped"].map(|name| &recovered[name]), [1, 0, 2]);
    assert_eq!(scene.queued().await, ["first000"]);
}

#[tokio::test]
async fn failed_events_and_broken_records_are_counted_separately() {
    let scene = Scene::with(QueueType::Standard).await;
    let gone = scene.deleted_queue("gone").await;
    let url = &scene.account.queue_url;
    let whole = record(url, "cut00000");
    let (cut, rest) = whole.split_at(40); // the cut is inside the event's id
    let lines = [cut, rest, &record(&gone, "first000"), &record(url, "second00")];
    scene.account.log(&lines).await;
    let ran = scene.recover(&["--yes"]).await;
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let why = "a line begins like an undelivered record but cannot be read";
    assert_eq!(ran.stderr.matches(why).count(), 1, "{ran:#?}");
    assert!(ran.stderr.contains("event first000"), "{ran:#?}");
    let shown = "1 of 2 events sent, 0 further records of the same events skipped; 1 event failed; \
                 1 record broken and not sent\n";
    assert!(ran.stdout.ends_with(shown), "{ran:#?}");
    assert_eq!(scene.queued().await, ["second00"]);
}

#[tokio::test]
async fn interrupted_run_reports_what_it_sent() {
    let scene = Scene::with(QueueType::Standard).await;
    scene.undelivered(&["first000", "second00", "third000"]).await;
    scene.account.nth("SendMessage", 2, Meet::Hold);
    let arguments = ["recover", "--yes", "--output", "json"];
    let running = Jwhook::of(&scene.account, &scene.jw, &arguments).spawn();
    scene.account.until(Until::Begun, "SendMessage", 2).await;
    running.interrupt();
    let ran = running.end(&scene.jw).await;
    let recovered: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(["sent", "failed"].map(|name| &recovered[name]), [1, 0]);
    assert!(recovered["events"][0]["message_id"].is_string(), "{recovered}");
    assert!(recovered["events"][1]["message_id"].is_null(), "{recovered}");
    let error = ran.error();
    let expected =
        "interrupted: 1 of 3 events sent, and perhaps the next event too. Run the command again";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(scene.queued().await, ["first000"]);
}
