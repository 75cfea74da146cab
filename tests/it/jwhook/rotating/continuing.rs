//! A rotation was stopped, and the next run of the same command continues it.

use super::{OLD, PARKED, changes, created_at, deleted, made_live, ring, rotate};
use crate::jwhook::support::{Account, JwApi, Jwhook, Meet, Until, webhook};
use crate::support::{OTHER_SECRET, SECRET, one_second_passes};
use serde_json::json;
use std::time::Instant;

#[tokio::test]
async fn next_run_continues_after_a_call_that_jw_rejected() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let steps = [
        ("PATCH", "the rotation stopped at step 2 (make the new webhook call the endpoint); "),
        ("DELETE", "the rotation stopped at step 2 (delete the old webhook); "),
    ];
    for (method, expected) in steps {
        jw.next(method, Meet::Answer(403, r#""not for you""#));
        let error = rotate(&account, &jw, &[]).run(&jw).await.error();
        assert!(error.starts_with(expected), "{error}");
        assert!(error.contains("run jwhook rotate 7Rav0hC5 to continue"), "{error}");
        assert!(error.contains("JW answered 403, not for you"), "{error}");
        assert_eq!(jw.ids(), [OLD, "new00001"]);
        assert_eq!(account.ring_ids().await, [OLD, "new00001"]);
    }
    rotate(&account, &jw, &[]).run(&jw).await.done();
    assert_eq!(changes(&jw), [created_at(PARKED), made_live("new00001"), deleted(OLD)]);
    assert_eq!(account.ring_ids().await, ["new00001"]);
}

#[tokio::test]
async fn continued_rotation_waits_only_the_rest_of_the_settle_time() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let running = Jwhook::of(&account, &jw, &["rotate", OLD, "--yes"]).spawn();
    account.until(Until::Performed, "UpdateSecretVersionStage", 1).await;
    one_second_passes().await;
    one_second_passes().await;
    running.interrupt();
    let error = running.end(&jw).await.error();
    assert_eq!(
        error,
        "the rotation was interrupted; no event is lost; run jwhook rotate 7Rav0hC5 to continue"
    );
    let dry = ["rotate", OLD, "--dry-run", "--output", "json"];
    let plan = Jwhook::of(&account, &jw, &dry).run(&jw).await.json();
    assert_eq!(plan["new_webhook_id"], "new00001");
    assert_eq!(plan["steps"][0]["step"], "settle");
    let rest = plan["steps"][0]["seconds"].as_u64().unwrap();
    assert!((30..40).contains(&rest), "{rest} s");
}

#[tokio::test]
async fn full_settle_time_is_used_if_the_secret_versions_age_is_unknown() {
    let key = |id: &str| json!({OLD: SECRET, id: OTHER_SECRET}).to_string();
    let account = Account::start(&key("parked01")).await;
    let mut parked = webhook("parked01", "newsroom");
    parked["metadata"]["webhook_url"] = json!(PARKED);
    let jw = JwApi::start([webhook(OLD, "newsroom"), parked]).await;
    let settle = async || {
        let dry = ["rotate", OLD, "--dry-run", "--settle", "300", "--output", "json"];
        let plan = Jwhook::of(&account, &jw, &dry).run(&jw).await.json();
        assert_eq!(plan["steps"][0]["step"], "settle");
        plan["steps"][0]["seconds"].as_u64().unwrap()
    };
    for _ in 0..3 {
        one_second_passes().await;
    }
    let untouched = settle().await;
    assert!((250..=298).contains(&untouched), "{untouched} s");
    account.next("DescribeSecret", Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#));
    assert_eq!(settle().await, 300);
    account.next("DescribeSecret", Meet::Answer(200, "{}"));
    assert_eq!(settle().await, 300);

    // somebody makes the old version current again by hand
    let version = async || {
        let secret = account.secrets.get_secret_value().secret_id(&account.secret_arn);
        secret.send().await.unwrap().version_id.unwrap()
    };
    let old = version().await;
    account.set_secret(&key("another1")).await;
    let move_back = account.secrets.update_secret_version_stage().secret_id(&account.secret_arn);
    let began = Instant::now();
    let move_back = move_back.version_stage("AWSCURRENT").move_to_version_id(&old);
    move_back.remove_from_version_id(version().await).send().await.unwrap();
    assert_eq!(version().await, old);
    let moved_back = settle().await;
    let elapsed = began.elapsed().as_secs() + 1; // the emulator's times are whole seconds
    assert!((300 - elapsed..=300).contains(&moved_back), "{moved_back} s, {elapsed} s after it");
}

#[tokio::test]
async fn replacement_whose_key_was_lost_is_deleted_and_created_again() {
    let account = Account::start(&ring()).await;
    let mut orphan = webhook("orphan01", "newsroom");
    orphan["metadata"]["webhook_url"] = json!(PARKED);
    let mut elses = webhook("elses001", "newsroom");
    elses["metadata"]["webhook_url"] = json!("https://jwhook.invalid/replaces/c0Y6ebVU");
    let jw = JwApi::start([webhook(OLD, "newsroom"), orphan, elses]).await;
    let error = Jwhook::of(&account, &jw, &["rotate", OLD]).run(&jw).await.error();
    assert!(error.contains("without storing their keys: orphan01 (\"newsroom\")."), "{error}");
    rotate(&account, &jw, &[]).run(&jw).await.done();
    let expected = [deleted("orphan01"), created_at(PARKED), made_live("new00001"), deleted(OLD)];
    assert_eq!(changes(&jw), expected);
    assert_eq!(jw.ids(), ["elses001", "new00001"]);
}

#[tokio::test]
async fn rotation_ends_with_one_webhook_after_lost_responses() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    for method in ["POST", "PATCH", "DELETE"] {
        jw.next(method, Meet::DoneThenClose);
    }
    let error = rotate(&account, &jw, &[]).run(&jw).await.error();
    assert!(error.contains("no response from JW"), "{error}");
    for _ in 0..3 {
        if rotate(&account, &jw, &[]).run(&jw).await.code == Some(0) {
            break;
        }
    }
    assert_eq!(jw.webhooks().len(), 1);
    assert_eq!(jw.ids(), account.ring_ids().await);
    assert_ne!(jw.ids(), [OLD]);
}

#[tokio::test]
async fn ctrl_c_stops_a_rotation_in_each_of_its_waits() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    for (wait, after, ids) in [
        ("--settle", "POST", &[OLD, "new00001"][..]),
        ("--overlap", "PATCH", &[OLD, "new00001"]),
        ("--grace", "DELETE", &["new00001"]),
    ] {
        let waits = ["--settle", "--overlap", "--grace"]
            .map(|other| [other, if other == wait { "60" } else { "0" }])
            .concat();
        let arguments = [&["rotate", OLD, "--yes"], &waits[..]].concat();
        let running = Jwhook::of(&account, &jw, &arguments).spawn();
        jw.until(Until::Performed, after, 1).await;
        account.until(Until::Performed, "UpdateSecretVersionStage", 1).await;
        running.interrupt();
        let error = running.end(&jw).await.error();
        assert!(error.starts_with("the rotation was interrupted"), "{error}");
        assert_eq!(
            (jw.ids(), account.ring_ids().await),
            (of(ids), of(&[OLD, "new00001"])),
            "{wait}"
        );
    }
}

fn of(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}
