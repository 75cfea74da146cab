//! `jwhook recover` sends undelivered events from the log to the queue.

mod failing;
mod held;
mod pages;
mod parts;

use super::support::{Account, JwApi, Jwhook, QueueType, Ran};
use crate::support::{Aws, Delivery, Function, MEDIA_AVAILABLE, Reply, SendMessage};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A record as the function writes it, for this queue and with its own request ID.
fn record(queue_url: &str, media_id: &str) -> String {
    let body = json!({"event": "media_updated", "media_id": media_id}).to_string();
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    let request_id = format!("request {}", REQUESTS.fetch_add(1, Ordering::Relaxed));
    let event_id = format!("{media_id}{}", "0".repeat(64 - media_id.len()));
    let mut record = json!({
        "queue_url": queue_url,
        "event_id": event_id,
        "request_id": request_id,
        "body": body,
        "attributes": {"event": "media_updated", "media_id": media_id, "event_id": event_id},
    });
    if queue_url.ends_with(".fifo") {
        record["group_id"] = json!(media_id);
        record["deduplication_id"] = json!(event_id);
    }
    json!({ "undelivered": record, "part": 1, "parts": 1 }).to_string()
}

struct Scene {
    account: Account,
    jw: JwApi,
}

impl Scene {
    async fn with(queue: QueueType) -> Self {
        Self { account: Account::with("{}", queue, &[]).await, jw: JwApi::start([]).await }
    }

    /// Logs one record for each of these media, a millisecond apart.
    async fn undelivered(&self, media_ids: &[&str]) {
        let lines = media_ids.iter().map(|media_id| record(&self.account.queue_url, media_id));
        let lines: Vec<String> = lines.collect();
        self.account.log(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    async fn recover(&self, arguments: &[&str]) -> Ran {
        let arguments = [&["recover"], arguments].concat();
        Jwhook::of(&self.account, &self.jw, &arguments).run(&self.jw).await
    }

    /// The media IDs of the messages in the queue, in order.
    async fn queued(&self) -> Vec<String> {
        let bodies = self.account.messages().await.into_iter().map(|message| message.body.unwrap());
        let media_id =
            |body: String| serde_json::from_str::<Value>(&body).unwrap()["media_id"].take();
        bodies.map(|body| media_id(body).as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn recovered_message_equals_the_message_that_the_function_would_have_sent() {
    for (queue, fifo) in [(QueueType::Standard, false), (QueueType::Fifo, true)] {
        let scene = Scene::with(queue).await;
        let aws = Aws::start().await;
        let function = Function::of(&aws);
        let function = if fifo { function.fifo() } else { function };
        let function = function.start().await;
        function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict();
        let delivered = aws.queued().remove(0);
        aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
        assert_eq!(answer.verdict(), "503 queue_refused");
        let mut record = function.undelivered().remove(0);
        record["queue_url"] = json!(scene.account.queue_url);
        let record = json!({ "undelivered": record, "part": 1, "parts": 1 }).to_string();
        let wide_event = answer.log.to_string();
        let noise = r#"{"time":"2026","message":"undelivered event_id queue_url"}"#;
        scene.account.log(&["START RequestId: 1", &wide_event, noise, &record]).await;

        let recovered = scene.recover(&["--yes", "--output", "json"]).await.json();
        let message = scene.account.messages().await.remove(0);
        assert_eq!(message.body.unwrap(), delivered.body);
        let attributes: BTreeMap<_, _> = message
            .message_attributes
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name, value.string_value.unwrap()))
            .collect();
        assert_eq!(attributes, delivered.attributes, "{queue:?}");
        assert_eq!([&recovered["sent"], &recovered["skipped"]], [1, 0]);
        assert_eq!(recovered["events"][0]["message_id"], message.message_id.unwrap());
        assert_eq!(recovered["events"][0]["error"], Value::Null);
        assert_eq!(recovered["events"][0]["event_id"], delivered.attributes["event_id"]);
        if fifo {
            // within five minutes, the FIFO queue drops duplicates
            scene.recover(&["--yes"]).await.done();
            assert!(scene.queued().await.is_empty());
        }
    }
}

#[tokio::test]
async fn recover_lists_events_and_sends_nothing_without_confirmation() {
    let scene = Scene::with(QueueType::Standard).await;
    scene.undelivered(&["first000", "second00", "first000"]).await;
    let ran = scene.recover(&[]).await;
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{ran:?}");
    assert!(rows[1].contains("first000") && rows[2].contains("second00"), "{ran:?}");
    let error = ran.error();
    let question = format!("Send 2 events to {}?", scene.account.queue_url);
    assert!(error.contains(&question) && error.contains("nothing was changed"), "{error}");
    let shown = scene.recover(&["--dry-run"]).await.done();
    assert!(shown.contains("2 events to send; none sent"), "{shown}");
    assert!(!scene.account.calls().contains(&"SendMessage".to_owned()));

    let shown = scene.recover(&["--yes"]).await.done();
    assert!(
        shown.contains("2 of 2 events sent, 1 further record of the same events skipped"),
        "{shown}"
    );
    assert_eq!(scene.queued().await, ["first000", "second00"]);
}

#[tokio::test]
async fn since_excludes_records_logged_earlier() {
    let scene = Scene::with(QueueType::Standard).await;
    scene.undelivered(&["first000"]).await;
    tokio::time::sleep(crate::support::millis(20)).await;
    let since = time::OffsetDateTime::now_utc();
    let since = since.format(&time::format_description::well_known::Rfc3339).unwrap();
    tokio::time::sleep(crate::support::millis(20)).await;
    scene.undelivered(&["second00"]).await;
    scene.recover(&["--yes", "--since", &since]).await.done();
    assert_eq!(scene.queued().await, ["second00"]);
    scene.recover(&["--yes", "--since", "1h"]).await.done();
    assert_eq!(scene.queued().await, ["first000", "second00"]);
    let ran = scene.recover(&["--yes", "--since", "yesterday"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("not a time like 2026-11-23T20:00:00Z, and not an age like 2h"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn log_without_undelivered_events_is_not_an_error() {
    let scene = Scene::with(QueueType::Standard).await;
    let shown = scene.recover(&[]).await.done();
    assert_eq!(shown, "log group jw-forwarder has no undelivered events\n");
    let none = scene.recover(&["--output", "json"]).await.json();
    assert_eq!(
        none,
        json!({
            "events": [],
            "sent": 0,
            "failed": 0,
            "skipped": 0,
            "broken": [],
            "dry_run": false,
        })
    );
    let error = scene.recover(&["--log-group", "other"]).await.error();
    assert!(error.contains("logs:FilterLogEvents on log group other: refused"), "{error}");
}

#[tokio::test]
async fn event_is_sent_to_its_original_queue_or_to_a_given_queue_of_the_same_type() {
    let scene = Scene::with(QueueType::Standard).await;
    // the dead-letter queue can be a target like any other queue
    let other = &scene.account.dead_letter_queue_url;
    scene.account.log(&[&record(other, "first000")]).await;
    let ran = scene.recover(&["--dry-run"]).await;
    let note = format!("are for queue {other} and go there, but the stack's queue is now");
    assert!(ran.stderr.contains(&note), "{ran:?}");

    let given = scene.account.queue_url.clone();
    let ran = scene.recover(&["--yes", "--queue-url", &given]).await;
    assert!(
        ran.stderr
            .contains(&format!("are for queue {other}, but --queue-url sends them to {given}")),
        "{ran:?}"
    );
    ran.done();
    assert_eq!(scene.queued().await, ["first000"]);

    let fifo = format!("{given}.fifo");
    let error = scene.recover(&["--yes", "--queue-url", &fifo]).await.error();
    assert!(
        error.contains("is a FIFO queue, but some events in the log are for the standard"),
        "{error}"
    );

    scene.recover(&["--yes"]).await.done();
    let received = scene.account.sqs.receive_message().queue_url(other).send().await.unwrap();
    assert_eq!(received.messages.unwrap_or_default().len(), 1);
}
