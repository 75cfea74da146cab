//! Moves the messages in the dead-letter queue back to the held queue.

use super::{PLACEHOLDER_ONLY, ring, scene};
use crate::jwhook::recovering::Scene;
use crate::jwhook::support::{Account, JwApi, Meet, QueueType, Ran};
use serde_json::{Value, json};

const NO_TASK: Meet = Meet::Answer(200, "{}");

/// SQS's list of move tasks, with one task that was started at this time.
fn task(status: &str, started: u64, moved: u64) -> Meet {
    let task = json!({
        "Status": status,
        "StartedTimestamp": started,
        "ApproximateNumberOfMessagesMoved": moved,
        "FailureReason": if status == "FAILED" { json!("AWS.SimpleQueueService.AccessDenied") } else { Value::Null },
    });
    Meet::Answer(200, json!({ "Results": [task] }).to_string().leak())
}

impl Scene {
    /// Runs `recover --held`. SQS returns these lists of move tasks: the first list before the
    /// move, and the others after the move has begun.
    async fn moves(&self, lists: impl IntoIterator<Item = Meet>, arguments: &[&str]) -> Ran {
        for meet in lists {
            self.account.next("ListMessageMoveTasks", meet);
        }
        let started = Meet::Answer(200, r#"{"TaskHandle":"a handle"}"#);
        self.account.next("StartMessageMoveTask", started);
        self.held(arguments).await
    }

    fn starts(&self) -> Vec<Value> {
        self.account.asked("StartMessageMoveTask")
    }
}

#[tokio::test]
async fn dead_lettered_events_are_moved_to_the_held_queue() {
    let scene = scene(&ring(), 1, 2).await;
    let lists = [
        task("COMPLETED", 1_000, 9),
        task("COMPLETED", 1_000, 9), // SQS lists the new task with a delay
        task("RUNNING", 2_000, 1),
        task("COMPLETED", 2_000, 2),
    ];
    let moved = scene.moves(lists, &["--yes", "--output", "json"]).await.json();
    let expected = json!({"status": "COMPLETED", "number": 2, "task_handle": "a handle"});
    assert_eq!(moved["moved"], expected);
    assert_eq!([&moved["waiting"]["number"], &moved["dead_lettered"]["number"]], [1, 2]);
    let starts = scene.starts();
    assert_eq!(starts.len(), 1);
    let arn = |name| format!("arn:aws:sqs:eu-west-1:{}:{name}", scene.account.id());
    assert_eq!(starts[0]["SourceArn"], arn("jw-held-dead"));
    assert_eq!(starts[0]["DestinationArn"], arn("jw-held"));

    let shown = scene.moves([NO_TASK, task("COMPLETED", 1, 2)], &["--yes"]).await.done();
    assert!(shown.contains("\nSQS moved 2 messages back to the held queue\n"), "{shown}");
}

#[tokio::test]
async fn long_move_task_continues_after_the_command_ends() {
    let scene = scene(&ring(), 0, 1).await;
    scene.account.always("ListMessageMoveTasks", task("RUNNING", 1, 7));
    let shown = scene.moves([NO_TASK], &["--yes"]).await.done();
    assert!(shown.contains("SQS has moved 7 messages so far and continues by itself"), "{shown}");
}

#[tokio::test]
async fn nothing_is_moved_without_confirmation() {
    let scene = scene(&ring(), 0, 1).await;
    let error = scene.moves([NO_TASK], &[]).await.error();
    let question = "Move 1 dead-lettered event back to the held queue http";
    assert!(error.starts_with(question) && error.contains("nothing was changed"), "{error}");
    assert!(!error.contains("stops retrying") && !error.contains("MaxEventAge"), "{error}");

    let shown = scene.held(&["--dry-run"]).await.done();
    let expected = "1 dead-lettered event to move back; none moved (--dry-run)\n";
    assert!(shown.ends_with(expected), "{shown}");
    let held = scene.held(&["--dry-run", "--yes", "--output", "json"]).await.json();
    assert_eq!([&held["moved"], &held["dry_run"]], [&Value::Null, &json!(true)]);
    assert!(scene.starts().is_empty());
}

#[tokio::test]
async fn prompt_warns_that_the_secret_is_not_usable_yet() {
    let scene = scene(PLACEHOLDER_ONLY, 0, 1).await;
    let error = scene.moves([NO_TASK], &[]).await.error();
    assert!(error.contains("the function stops retrying the events again"), "{error}");
}

#[tokio::test]
async fn events_that_would_be_dropped_as_stale_are_not_moved() {
    let parameters = [("MaxEventAgeSeconds", "3600")];
    let account = Account::with(&ring(), QueueType::Standard, &parameters).await;
    account.hold(&account.held_dead_letter_queue_url, "a token").await;
    let scene = Scene { account, jw: JwApi::start([]).await };
    for arguments in [&[][..], &["--yes"]] {
        let error = scene.held(arguments).await.error();
        assert!(error.starts_with("MaxEventAgeSeconds is 3600"), "{error}");
        assert!(error.contains("Nothing was moved"), "{error}");
    }
    let shown = scene.held(&["--dry-run"]).await;
    assert!(shown.stderr.contains("MaxEventAgeSeconds is 3600"), "{shown:?}");
    assert_eq!(scene.starts().len(), 0);
    scene.moves([NO_TASK, task("COMPLETED", 1, 1)], &["--yes", "--drop-stale"]).await.done();
    assert_eq!(scene.starts().len(), 1);
}

#[tokio::test]
async fn second_move_task_is_not_started_while_one_runs() {
    for status in ["RUNNING", "CANCELLING"] {
        let scene = scene(&ring(), 0, 1).await;
        let error = scene.moves([task(status, 1, 0)], &["--yes"]).await.error();
        assert!(error.starts_with("SQS is already moving messages out of http"), "{error}");
        assert!(error.contains(&format!("(status {status})")), "{error}");
        assert!(scene.starts().is_empty());
    }
}

#[tokio::test]
async fn failed_move_task_is_an_error_with_the_reason_from_sqs() {
    let scene = scene(&ring(), 0, 1).await;
    let lists = [NO_TASK, task("FAILED", 1, 0)];
    let error = scene.moves(lists, &["--yes"]).await.error();
    for expected in [
        "messages out of http",
        "FAILED (AWS.SimpleQueueService.AccessDenied)",
        "sqs:SendMessage on the held queue",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn denied_move_is_an_error_that_names_the_permissions() {
    let scene = scene(&ring(), 0, 1).await;
    let denied = Meet::Answer(403, r#"{"__type":"com.amazonaws.sqs#AccessDenied"}"#);
    scene.account.next("StartMessageMoveTask", denied);
    scene.account.next("ListMessageMoveTasks", NO_TASK);
    let error = scene.held(&["--yes"]).await.error();
    for expected in ["moving needs sqs:StartMessageMoveTask", "refused: AccessDenied"] {
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn move_starts_even_if_listing_its_tasks_is_denied() {
    let denied = || Meet::Answer(403, r#"{"__type":"AccessDeniedException"}"#);
    for lists in [vec![denied()], vec![NO_TASK, denied()]] {
        let scene = scene(&ring(), 0, 2).await;
        let moved = scene.moves(lists, &["--yes", "--output", "json"]).await.json();
        assert_eq!((&moved["moved"]["status"], scene.starts().len()), (&json!("RUNNING"), 1));
    }
}
