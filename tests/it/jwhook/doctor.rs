//! `jwhook doctor` reports what works, and what to do about each problem.

mod deployed;
mod failing;
mod pairing;

use super::support::{Account, JwApi, Jwhook, Meet, Ran, webhook};
use crate::support::{OTHER_SECRET, SECRET};
use serde_json::{Value, json};

/// All checks, in order.
const ALL: [&str; 17] = [
    "credentials",
    "clock",
    "stack",
    "version",
    "endpoint",
    "region",
    "secret",
    "keys",
    "jw_api",
    "ring",
    "webhooks",
    "settings",
    "duplicates",
    "queue",
    "dead_letter",
    "held",
    "accepted",
];

/// The function's log line for an accepted event.
const ACCEPTED: &str = r#"{"outcome":"accepted","reason":"none","status":200}"#;

fn ring() -> String {
    json!({"c0Y6ebVU": SECRET, "7Rav0hC5": OTHER_SECRET}).to_string()
}

/// A webhook that subscribes to other events than a webhook from `webhook()`.
fn other_webhook(id: &str) -> Value {
    let mut webhook = webhook(id, "Archive");
    webhook["metadata"]["events"] = json!(["media_deleted"]);
    webhook
}

async fn working_setup() -> (Account, JwApi) {
    let jw = JwApi::start([webhook("c0Y6ebVU", "Newsroom"), other_webhook("7Rav0hC5")]).await;
    let account = Account::start(&ring()).await;
    account.log(&[ACCEPTED]).await;
    (account, jw)
}

async fn doctor(account: &Account, jw: &JwApi) -> Ran {
    Jwhook::of(account, jw, &["doctor", "--output", "json"]).run(jw).await
}

/// Returns the checks that are not `ok`, each as `status check`. Also asserts that the exit code is
/// 1 if and only if a check failed.
#[track_caller]
fn findings(ran: &Ran) -> Vec<String> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let checks = report["checks"].as_array().unwrap().clone();
    let failed = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!((ran.code, &report["ok"]), (Some(i32::from(failed)), &json!(!failed)), "{ran:?}");
    let mut names: Vec<&str> =
        checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    names.dedup();
    assert_eq!(names, ALL, "each check runs or is skipped");
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let bad = checks.iter().filter(|check| check["status"] != "ok");
    bad.map(|check| text(check, "status") + " " + &text(check, "check")).collect()
}

/// Returns the text and the advice of this check, which must not be `ok`.
#[track_caller]
fn said(ran: &Ran, check: &str) -> String {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|one| one["check"] == check && one["status"] != "ok").unwrap();
    format!("{}; {}", found["detail"].as_str().unwrap(), found["advice"].as_str().unwrap_or(""))
}

#[tokio::test]
async fn doctor_reports_ok_for_every_check_of_a_working_setup() {
    let (account, jw) = working_setup().await;
    assert_eq!(findings(&doctor(&account, &jw).await), [""; 0]);
    let shown = Jwhook::of(&account, &jw, &["doctor"]).run(&jw).await.done();
    let lines: Vec<&str> = shown.lines().collect();
    for (line, check) in lines.iter().zip(ALL) {
        assert!(line.starts_with(&format!("OK    {check} ")), "{shown}");
    }
    assert_eq!(lines[ALL.len()..], ["0 failed, 0 warnings, 0 skipped"]);
    assert!(jw.changes().is_empty(), "doctor changes nothing");
}
