//! Other people make changes while a rotation waits.

use super::{OLD, deleted, ring};
use crate::jwhook::support::{Account, JwApi, Jwhook, Ran, Until, WEBHOOK_URL, webhook};
use crate::support::all_at_once;
use serde_json::{Value, json};

/// Runs a rotation, makes a change during this wait, and returns the result of the rotation.
async fn during(wait: &str, account: &Account, jw: &JwApi, does: impl AsyncFnOnce()) -> Ran {
    let waits = ["--settle", "--overlap", "--grace"]
        .map(|other| [other, if other == wait { "2" } else { "0" }])
        .concat();
    let running =
        Jwhook::of(account, jw, &[&["rotate", OLD, "--yes"], &waits[..]].concat()).spawn();
    if wait == "--settle" {
        account.until(Until::Performed, "UpdateSecretVersionStage", 1).await;
    } else {
        jw.until(Until::Performed, "PATCH", 1).await;
    }
    does().await;
    running.end(jw).await
}

fn change(jw: &JwApi, id: &str, member: &str, value: Value) {
    let mut state = jw.state();
    let webhook = state.webhooks.iter_mut().find(|webhook| webhook["id"] == id).unwrap();
    webhook["metadata"][member] = value;
}

fn delete(jw: &JwApi, id: &str) {
    jw.state().webhooks.retain(|webhook| webhook["id"] != id);
}

#[tokio::test]
async fn new_webhook_takes_over_changes_made_to_the_old_one_meanwhile() {
    for wait in ["--settle", "--overlap"] {
        let account = Account::start(&ring()).await;
        let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
        let renamed = async || change(&jw, OLD, "site_ids", json!(["9KboGBFu"]));
        during(wait, &account, &jw, renamed).await.done();
        let new = jw.webhook("new00001").unwrap();
        assert_eq!(new["metadata"]["site_ids"], json!(["9KboGBFu"]), "{wait}");
        assert_eq!(new["metadata"]["webhook_url"], WEBHOOK_URL, "{wait}");
        assert_eq!(jw.ids(), ["new00001"], "{wait}");
    }
}

#[tokio::test]
async fn old_webhook_deleted_during_the_rotation_is_still_replaced() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    during("--settle", &account, &jw, async || delete(&jw, OLD)).await.done();
    assert_eq!(jw.webhook("new00001").unwrap()["metadata"]["webhook_url"], WEBHOOK_URL);
    assert_eq!((jw.ids(), account.ring_ids().await), (vec!["new00001".into()], jw.ids()));
}

#[tokio::test]
async fn old_webhook_whose_url_was_changed_is_not_deleted() {
    all_at_once(["--settle", "--overlap"], async |wait| {
        let account = Account::start(&ring()).await;
        let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
        let moved = async || change(&jw, OLD, "webhook_url", json!("https://example.com/"));
        let error = during(wait, &account, &jw, moved).await.error();
        assert!(error.contains("changed the URL of webhook"), "{error}");
        assert!(!jw.changes().contains(&deleted(OLD)), "{wait}");
        assert!(account.ring_ids().await.contains(&OLD.to_owned()), "{wait}");
    })
    .await;
}

#[derive(Clone, Copy)]
enum Somebody {
    RemovesItsKey,
    DeletesIt,
    ChangesItsUrl,
}

#[tokio::test]
async fn old_webhook_stays_if_the_new_one_does_not_work() {
    let cases = [
        ("--settle", Somebody::RemovesItsKey, "is no longer in the ring"),
        ("--overlap", Somebody::RemovesItsKey, "is no longer in the ring"),
        ("--settle", Somebody::DeletesIt, "JW answered 404"),
        ("--overlap", Somebody::DeletesIt, "somebody deleted the replacement"),
        ("--overlap", Somebody::ChangesItsUrl, "no longer calls"),
    ];
    all_at_once(cases, async |(wait, somebody, expected)| {
        let account = Account::start(&ring()).await;
        let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
        let does = async || match somebody {
            Somebody::RemovesItsKey => account.set_secret(&ring()).await,
            Somebody::DeletesIt => delete(&jw, "new00001"),
            Somebody::ChangesItsUrl => {
                change(&jw, "new00001", "webhook_url", json!("https://example.com/"));
            }
        };
        let ran = during(wait, &account, &jw, does).await;
        let error = ran.error();
        assert!(error.contains(expected), "{error}");
        assert_eq!(jw.webhook(OLD), Some(webhook(OLD, "newsroom")), "{expected}");
        assert!(account.ring_ids().await.contains(&OLD.to_owned()), "{expected}");
        assert!(!jw.changes().contains(&deleted(OLD)), "{expected}");
    })
    .await;
}
