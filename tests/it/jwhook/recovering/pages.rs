//! The pages of log events that CloudWatch Logs returns.

use super::super::support::{Meet, QueueType};
use super::{Scene, record};
use serde_json::{Value, json};

/// A page with these records and this token for the next page.
fn page(records: &[String], token: Option<&str>) -> Meet {
    let events = records.iter().zip(1_700_000_000_000_u64..);
    let events: Vec<Value> =
        events.map(|(record, at)| json!({"timestamp": at, "message": record})).collect();
    let mut page = json!({ "events": events });
    if let Some(token) = token {
        page["nextToken"] = json!(token);
    }
    Meet::Answer(200, page.to_string().leak())
}

#[tokio::test]
async fn every_page_of_the_log_is_read() {
    let scene = Scene::with(QueueType::Standard).await;
    let line = |media_id| record(&scene.account.queue_url, media_id);
    for meet in [
        page(&[line("first000"), line("second00")], Some("1")),
        page(&[], Some("2")),
        page(&[line("third000")], None),
    ] {
        scene.account.next("FilterLogEvents", meet);
    }
    scene.recover(&["--yes"]).await.done();
    let mut queued = scene.queued().await;
    queued.sort();
    assert_eq!(queued, ["first000", "second00", "third000"]);
    let asked = scene.account.asked("FilterLogEvents");
    let tokens: Vec<&Value> = asked.iter().map(|call| &call["nextToken"]).collect();
    assert_eq!(tokens, [&Value::Null, &json!("1"), &json!("2")]);
}

#[tokio::test]
async fn record_after_a_repeated_page_token_is_found() {
    let scene = Scene::with(QueueType::Standard).await;
    let line = record(&scene.account.queue_url, "first000");
    for meet in [page(&[], Some("A")), page(&[], Some("A")), page(&[line], None)] {
        scene.account.next("FilterLogEvents", meet);
    }
    scene.recover(&["--yes"]).await.done();
    assert_eq!(scene.queued().await, ["first000"]);
}

#[tokio::test]
async fn endless_empty_pages_are_an_error() {
    let scene = Scene::with(QueueType::Standard).await;
    scene.account.always("FilterLogEvents", page(&[], Some("A")));
    let ran = scene.recover(&["--yes"]).await;
    assert_eq!(ran.stdout, "");
    let error = ran.error();
    for expected in ["cannot read all of log group jw-forwarder", "Try again with a later --since"]
    {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn endlessly_repeated_log_page_is_an_error() {
    let scene = Scene::with(QueueType::Standard).await;
    let line = record(&scene.account.queue_url, "first000");
    scene.account.always("FilterLogEvents", page(&[line], Some("A")));
    let error = scene.recover(&["--yes"]).await.error();
    assert!(error.contains("cannot read all of log group jw-forwarder"), "{error}");
    assert!(scene.queued().await.is_empty());
}
