//! `create` parks a webhook (gives it a URL where nobody listens) before it calls the endpoint.
//! After an interruption, `create` continues with this webhook. `create` does not change a webhook
//! that another run has parked.

use super::super::support::{Account, JwApi, Jwhook, Meet, Until, WEBHOOK_URL};
use super::{CREATE, KEY, account_and_api};
use serde_json::{Value, json};
use std::time::Instant;

/// The webhooks' URLs, in JW's order.
fn urls(jw: &JwApi) -> Vec<Value> {
    jw.webhooks().iter().map(|webhook| webhook["metadata"]["webhook_url"].clone()).collect()
}

fn is_parked(url: &Value) -> bool {
    url.as_str().unwrap().starts_with("https://jwhook.invalid/new?jwhook_run=")
}

/// `create` that waits a minute before it activates its webhook.
fn patient() -> Vec<&'static str> {
    [&CREATE[..8], &["60"]].concat()
}

async fn interrupted_while_it_settles(account: &Account, jw: &JwApi) {
    let running = Jwhook::of(account, jw, &patient()).spawn();
    account.until(Until::Performed, "DescribeSecret", 1).await;
    running.interrupt();
    let error = running.end(jw).await.error();
    assert_eq!(error, "interrupted; run the same command again to continue");
}

#[tokio::test]
async fn new_webhook_stays_parked_during_the_settle_time() {
    let (account, jw) = account_and_api().await;
    interrupted_while_it_settles(&account, &jw).await;
    assert_eq!(account.ring_ids().await, ["c0Y6ebVU", "new00001"]);
    assert!(is_parked(&urls(&jw)[1]), "{:?}", urls(&jw));
}

#[tokio::test]
async fn interrupted_create_is_finished_by_the_same_command() {
    let (account, jw) = account_and_api().await;
    interrupted_while_it_settles(&account, &jw).await;
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(
        error.starts_with("Webhook new00001 (\"Live\") is parked, and its key is in the ring"),
        "{error}"
    );
    let again = [&CREATE[..], &["--event", "media_available", "--yes"]].concat();
    let done = Jwhook::of(&account, &jw, &again).run(&jw).await.done();
    assert_eq!(done, "webhook new00001 (\"Live\") is created, and its key is in the ring\n");
    assert_eq!(urls(&jw), [WEBHOOK_URL, WEBHOOK_URL]);
    let events = json!(["channel_active", "channel_idle", "media_available"]);
    assert_eq!(jw.webhook("new00001").unwrap()["metadata"]["events"], events);
}

#[tokio::test]
async fn create_run_again_waits_only_the_rest_of_the_settle_time() {
    let (account, jw) = account_and_api().await;
    interrupted_while_it_settles(&account, &jw).await;
    tokio::time::sleep(crate::support::seconds(3)).await;
    let again = [&CREATE[..8], &["4", "--yes"]].concat();
    let ran = Jwhook::of(&account, &jw, &again).run(&jw).await;
    let waited = "waiting until every warm function accepts the new key: ";
    let waited = ran.stderr.lines().find_map(|line| line.strip_prefix(waited)).map(str::to_owned);
    ran.done();
    let waited = waited.unwrap_or_else(|| "0 s".to_owned());
    assert!(["0 s", "1 s"].contains(&waited.as_str()), "{waited}");
}

#[tokio::test]
async fn default_settle_time_covers_the_longest_pause_between_rechecks() {
    for (ttl, settle) in [("300", 40), ("30", 40), ("5", 15)] {
        let ring = json!({ "c0Y6ebVU": KEY }).to_string();
        let queue = super::super::support::QueueType::Standard;
        let account = Account::with(&ring, queue, &[("SecretTtlSeconds", ttl)]).await;
        let jw = JwApi::start([]).await;
        let began = Instant::now();
        let running = Jwhook::of(&account, &jw, &CREATE[..7]).spawn();
        account.until(Until::Performed, "DescribeSecret", 1).await;
        tokio::time::sleep(crate::support::seconds(1)).await;
        running.interrupt();
        let passed = began.elapsed().as_secs() + 1;
        let ran = running.end(&jw).await;
        let waiting = "waiting until every warm function accepts the new key: ";
        let rest = ran.stderr.lines().find_map(|line| line.strip_prefix(waiting));
        let rest = rest.and_then(|rest| rest.strip_suffix(" s")?.parse::<u64>().ok());
        // the settle time begins when the key is stored
        assert!(
            rest.is_some_and(|rest| (settle - passed..=settle).contains(&rest)),
            "{ttl}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn parked_webhook_without_its_key_is_not_activated() {
    let (account, jw) = account_and_api().await;
    let running = Jwhook::of(&account, &jw, &[&CREATE[..8], &["3"]].concat()).spawn();
    account.until(Until::Performed, "DescribeSecret", 1).await;
    account.set_secret(&json!({ "c0Y6ebVU": KEY }).to_string()).await;
    let error = running.end(&jw).await.error();
    assert!(
        error.starts_with("webhook new00001 is parked, so it receives no events")
            && error.contains("the key of parked webhook new00001 was removed"),
        "{error}"
    );
    assert!(is_parked(&urls(&jw)[1]), "{:?}", urls(&jw));
    // a parked webhook whose key is missing is not touched, and `create` makes another one
    let ran = Jwhook::of(&account, &jw, &CREATE).run(&jw).await;
    assert!(ran.stderr.contains("delete the webhook with jwhook delete new00001"), "{ran:?}");
    ran.done();
    assert_eq!(account.ring_ids().await, ["c0Y6ebVU", "new00002"]);
    assert_eq!(jw.ids(), ["c0Y6ebVU", "new00001", "new00002"]);
}

#[tokio::test]
async fn create_deletes_only_its_own_webhook_after_a_lost_response() {
    for lost in [Meet::Hold, Meet::DoneThenHold] {
        let (account, jw) = account_and_api().await;
        // the other operator's run has created its webhook but not yet stored the key
        account.next("PutSecretValue", Meet::Hold);
        let other = Jwhook::of(&account, &jw, &CREATE).spawn();
        account.until(Until::Begun, "PutSecretValue", 1).await;
        let is_done = matches!(lost, Meet::DoneThenHold);
        jw.next("POST", if is_done { Meet::DoneThenClose } else { Meet::Close });
        let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
        let expected = if is_done {
            "webhook new00002 was created"
        } else {
            "the new webhook is not in JW's list"
        };
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(jw.ids(), ["c0Y6ebVU", "new00001"], "{lost:?}");
        other.kill(&jw).await;
    }
}

#[tokio::test]
async fn activation_with_a_lost_response_succeeds() {
    let (account, jw) = account_and_api().await;
    for _ in 0..3 {
        jw.next("PATCH", Meet::DoneThenClose);
    }
    let done = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.done();
    assert_eq!(done, "webhook new00001 (\"Live\") is created, and its key is in the ring\n");
    assert_eq!(urls(&jw), [WEBHOOK_URL, WEBHOOK_URL]);
}

#[tokio::test]
async fn two_runs_that_continue_with_one_parked_webhook_both_succeed() {
    let (account, jw) = account_and_api().await;
    let first = Jwhook::of(&account, &jw, &[&CREATE[..8], &["5"]].concat()).spawn();
    account.until(Until::Performed, "DescribeSecret", 1).await;
    let second = [&CREATE[..], &["--event", "media_available", "--yes"]].concat();
    let second = Jwhook::of(&account, &jw, &second).run(&jw).await;
    assert!(second.stderr.contains("events: +media_available"), "{second:?}");
    let done = "webhook new00001 (\"Live\") is created, and its key is in the ring\n";
    assert_eq!(second.done(), done);
    assert_eq!(first.end(&jw).await.done(), done);
    assert_eq!(urls(&jw), [WEBHOOK_URL, WEBHOOK_URL]);
}

#[tokio::test]
async fn parked_webhook_whose_url_was_changed_is_left_alone() {
    let (account, jw) = account_and_api().await;
    let running = Jwhook::of(&account, &jw, &[&CREATE[..8], &["3"]].concat()).spawn();
    account.until(Until::Performed, "DescribeSecret", 1).await;
    jw.state().webhooks[1]["metadata"]["webhook_url"] = json!("https://example.com/");
    let error = running.end(&jw).await.error();
    assert!(
        error.contains("changed the URL of webhook new00001 to https://example.com/ meanwhile"),
        "{error}"
    );
    assert_eq!(urls(&jw)[1], "https://example.com/");
}

#[tokio::test]
async fn activation_that_never_reached_jw_fails_and_can_be_repeated() {
    let (account, jw) = account_and_api().await;
    for _ in 0..3 {
        jw.next("PATCH", Meet::Close);
    }
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(error.starts_with("webhook new00001 is parked"), "{error}");
    assert!(error.contains("PATCH of webhook new00001: no response from JW"), "{error}");
    assert!(is_parked(&urls(&jw)[1]), "{:?}", urls(&jw));
    Jwhook::of(&account, &jw, &[&CREATE[..], &["--yes"]].concat()).run(&jw).await.done();
    assert_eq!(urls(&jw), [WEBHOOK_URL, WEBHOOK_URL]);
}
