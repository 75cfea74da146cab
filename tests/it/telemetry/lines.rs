//! `local/checks/template/lines.jsonl` has one log line of each kind, and `local/checks/template/calls.json` the
//! function's calls to AWS. `make template` checks the alarms, the dashboard, the saved queries and
//! the permissions against these files. This test compares the files with what the binary prints
//! and calls.

use crate::support::{
    Aws, CHANNEL_ACTIVE, Delivery, Function, GetSecretValue, HoldMessage, MEDIA_AVAILABLE,
    OTHER_SECRET, Record, Reply, SendMessage, event, one_second_passes,
};
use serde_json::{Value, json};
use std::fs::read_to_string;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/local/checks/template");

/// The members whose values change from run to run.
const CHANGING: [&str; 8] = [
    "Timestamp",
    "Duration",
    "EventAge",
    "duration_ms",
    "event_age_ms",
    "secret_age_s",
    "request_id",
    "message_id",
];

/// The same JSON, in which each value that changes between runs is replaced by a fixed value of the
/// same type.
fn fixed(value: Value, changes: bool) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let changes = CHANGING.contains(&name.as_str());
                (name, fixed(value, changes))
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(|value| fixed(value, false)).collect(),
        Value::Number(number) if changes && number.is_f64() => json!(1.5),
        Value::Number(_) if changes => json!(1),
        Value::String(_) if changes => json!("changes"),
        other => other,
    }
}

#[tokio::test]
async fn lines_of_the_template_check_match_the_binarys_output() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let denied = || Reply::Error(403, "AccessDenied");
    aws.next(HoldMessage, [denied()]);
    let start = Function::of(&aws).holding().env("MAX_EVENT_AGE_SECONDS", "3153600000"); // a century
    let function = start.start().await;
    let good = Delivery::of(MEDIA_AVAILABLE);
    for verdict in ["503 secret_unavailable", "503 held secret_unavailable"] {
        assert_eq!(function.invoke(&good).await.verdict(), verdict);
    }

    aws.works_again(GetSecretValue);
    one_second_passes().await;
    aws.next(SendMessage, [denied(), denied()]);
    let stays = function.deliver([Record::new("a", good.bearer())]).await;
    assert_eq!(stays.verdicts(), ["held queue_refused"]);
    let stale = event(json!({"event_time": "1900-01-01T00:00:00+00:00"}));
    for (delivery, verdict) in [
        (good.clone(), "503 queue_refused"),
        (good, "200 accepted"),
        (Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET), "401 signature_invalid"),
        (Delivery::of(stale), "401 event_stale"),
    ] {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    }
    let held = Delivery::of(CHANNEL_ACTIVE);
    let accepted = function.deliver([Record::new("a", held.bearer())]).await;
    assert_eq!(accepted.verdicts(), ["accepted none"]);

    let parsed = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_default();
    let printed = function.stdout.lines();
    let printed: Vec<_> = printed.iter().map(|line| fixed(parsed(line), false)).collect();
    let kept = read_to_string(format!("{FOLDER}/lines.jsonl")).unwrap_or_default();
    if kept.lines().map(parsed).collect::<Vec<_>>() != printed {
        let content: String = printed.iter().map(|line| format!("{line}\n")).collect();
        panic!(
            "local/checks/template/lines.jsonl differs from what the binary prints. If the binary is \
             right, replace the file's content with these lines:\n{content}"
        );
    }
    let calls = json!(aws.targets());
    let kept = read_to_string(format!("{FOLDER}/calls.json")).unwrap_or_default();
    assert!(
        parsed(&kept) == calls,
        "local/checks/template/calls.json differs from what the binary calls. If the binary is right, \
         replace the file's content with:\n{calls}"
    );
}
