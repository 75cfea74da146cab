//! Records that consist of several parts, and records that cannot be sent.

use super::super::support::{QueueType, Ran};
use super::{Scene, record};
use crate::support::{
    Aws, Delivery, Function, MAX_LINE_BYTES, Reply, STANDARD_QUEUE, SendMessage, event,
};
use serde_json::{Value, json};

/// The lines that the function logs for an event of each of these media, for the scene's queue.
/// Each record has three parts.
async fn logged(scene: &Scene, media_ids: &[&str]) -> Vec<Vec<String>> {
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let function = Function::start(&aws).await;
    let mut logged = Vec::<Vec<String>>::new();
    for media_id in media_ids {
        let before = function.stdout.lines().len();
        let title = "\"".repeat(MAX_LINE_BYTES * 5 / 8);
        let claims = event(json!({"media_id": media_id, "title": title}));
        let answer = function.invoke(&Delivery::of(claims)).await;
        assert_eq!(answer.verdict(), "503 queue_refused");
        let lines = function.stdout.lines().into_iter().skip(before);
        let lines = lines.filter(|line| line.starts_with(r#"{"undelivered":"#));
        let lines = lines.map(|line| line.replace(STANDARD_QUEUE, &scene.account.queue_url));
        logged.push(lines.collect());
        assert_eq!(logged[logged.len() - 1].len(), 3);
    }
    logged
}

pub fn changed(line: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut line: Value = serde_json::from_str(line).unwrap();
    change(&mut line);
    line.to_string()
}

/// The standard error of a run that ended with exit code 1.
fn left(ran: &Ran) -> &str {
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stderr.contains("Run the command again in some minutes"), "{ran:#?}");
    &ran.stderr
}

#[tokio::test]
async fn parts_of_several_streams_are_joined_in_any_order() {
    let scene = Scene::with(QueueType::Standard).await;
    let [first, second] = logged(&scene, &["first000", "second00"]).await.try_into().unwrap();
    let one = [&first[2], &second[0], &first[0], &second[0]].map(String::as_str);
    let other = [&second[2], &first[1], &second[1]].map(String::as_str);
    scene.account.log_to("2026/11/23/[1]aaaa", &one).await;
    scene.account.log_to("2026/11/23/[1]bbbb", &other).await;
    let recovered = scene.recover(&["--yes", "--output", "json"]).await.json();
    assert_eq!([&recovered["sent"], &recovered["skipped"]], [2, 0]);
    assert_eq!(recovered["broken"], json!([]));

    let messages = scene.account.messages().await;
    let mut bodies: Vec<_> = messages.into_iter().map(|message| message.body.unwrap()).collect();
    bodies.sort();
    let title = "\"".repeat(MAX_LINE_BYTES * 5 / 8);
    let sent = ["first000", "second00"];
    assert_eq!(bodies, sent.map(|media_id| event(json!({"media_id": media_id, "title": title}))));
}

#[tokio::test]
async fn record_with_a_missing_part_is_reported_with_exit_code_1() {
    let scene = Scene::with(QueueType::Standard).await;
    let [first, second] = logged(&scene, &["first000", "second00"]).await.try_into().unwrap();
    let lines = [&first[0], &first[2], &second[0], &second[1], &second[2]].map(String::as_str);
    scene.account.log(&lines).await;
    let whole: Value = serde_json::from_str(&first[0]).unwrap();
    let why = format!(
        "the record of event {} of request {} is incomplete: the log has only parts 1, 3 of 3",
        whole["undelivered"]["event_id"].as_str().unwrap(),
        whole["undelivered"]["request_id"].as_str().unwrap()
    );
    let ran = scene.recover(&["--dry-run"]).await;
    assert!(left(&ran).contains(&why), "{ran:#?}");
    let shown = "1 event to send; none sent (--dry-run); 1 record broken and not sent";
    assert!(ran.stdout.contains(shown), "{ran:#?}");

    let ran = scene.recover(&["--yes", "--output", "json"]).await;
    assert!(left(&ran).contains(&why), "{ran:#?}");
    let recovered: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(recovered["sent"], 1);
    assert_eq!(recovered["broken"].as_array().unwrap().len(), 1);
    assert_eq!(recovered["broken"][0]["why"], why);
    assert_eq!(scene.queued().await, ["second00"]);

    // the missing part arrives in the log later
    scene.account.log(&[&first[1]]).await;
    assert_eq!(scene.recover(&["--yes"]).await.code, Some(0));
    assert_eq!(scene.queued().await, ["first000", "second00"]);
}

#[tokio::test]
async fn contradictory_record_is_reported_and_not_sent() {
    let scene = Scene::with(QueueType::Standard).await;
    let line = record(&scene.account.queue_url, "first000");
    let other = changed(&line, |line| line["undelivered"]["body"] = json!("{}"));
    scene.account.log(&[&line, &other]).await;
    let ran = scene.recover(&["--yes"]).await;
    assert!(left(&ran).contains("contradicts itself: the log has part 1 of 1"), "{ran:#?}");
    assert_eq!(
        ran.stdout,
        "log group jw-forwarder has no undelivered events; 1 record broken and not sent\n"
    );
    assert!(scene.queued().await.is_empty());
}

#[tokio::test]
async fn unreadable_record_is_reported_with_exit_code_1() {
    let scene = Scene::with(QueueType::Standard).await;
    let [lines] = logged(&scene, &["first000"]).await.try_into().unwrap();
    let cut = &lines[0][..1_000];
    scene.account.log(&[cut, &record(&scene.account.queue_url, "second00")]).await;
    let ran = scene.recover(&["--yes"]).await;
    let why = "a line begins like an undelivered record but cannot be read";
    assert!(left(&ran).contains(why), "{ran:#?}");
    let shown = "1 of 1 event sent, 0 further records of the same events skipped; 1 record broken";
    assert!(ran.stdout.contains(shown), "{ran:#?}");
    assert_eq!(scene.queued().await, ["second00"]);
}

#[tokio::test]
async fn record_of_the_older_format_without_parts_is_sent() {
    let scene = Scene::with(QueueType::Standard).await;
    let before = |media_id| {
        changed(&record(&scene.account.queue_url, media_id), |line| {
            let line = line.as_object_mut().unwrap();
            line.retain(|name, _| name == "undelivered");
            line["undelivered"].as_object_mut().unwrap().remove("request_id");
        })
    };
    let lines = [before("first000"), record(&scene.account.queue_url, "second00")];
    scene.account.log(&[&lines[0], &lines[1]]).await;
    scene.recover(&["--yes"]).await.done();
    assert_eq!(scene.queued().await, ["first000", "second00"]);
}
