//! The limits and rules of JW's API and of the shell: the rate limit, the API secret, errors.

use super::support::{API_SECRET, Account, JwApi, Jwhook, Meet, webhook};
use crate::support::{commit, seconds};
use serde_json::json;
use std::time::Instant;

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";

async fn account_and_api() -> (Account, JwApi) {
    let account = Account::start(&json!({ "c0Y6ebVU": KEY }).to_string()).await;
    (account, JwApi::start([webhook("c0Y6ebVU", "Newsroom")]).await)
}

#[tokio::test]
async fn help_version_completions_and_man_need_no_account() {
    for arguments in [&["--help"][..], &["--version"], &["completions", "bash"], &["man"]] {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_jwhook"))
            .args(arguments)
            .env_clear()
            .output()
            .unwrap();
        assert!(ran.status.success() && !ran.stdout.is_empty(), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn version_of_jwhook_and_its_commands_includes_the_commit() {
    let version = format!("{} ({})\n", env!("CARGO_PKG_VERSION"), commit());
    for (arguments, expected) in [
        (&["--version"][..], format!("jwhook {version}")),
        (&["doctor", "-V"], format!("jwhook-doctor {version}")),
    ] {
        let mut jwhook = std::process::Command::new(env!("CARGO_BIN_EXE_jwhook"));
        let ran = jwhook.args(arguments).env_clear().output().unwrap();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), expected);
    }
}

#[tokio::test]
async fn call_waits_a_minute_after_a_429() {
    let (account, jw) = account_and_api().await;
    jw.next("GET", Meet::Answer(429, "Too many requests"));
    let began = Instant::now();
    let ran = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await;
    assert!((seconds(60)..seconds(75)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("60 requests a minute is reached: 60 s"), "{ran:?}");
    assert_eq!(ran.json()["webhooks"][0]["id"], "c0Y6ebVU");
}

#[tokio::test]
async fn api_secret_is_read_from_secrets_manager() {
    let (account, jw) = account_and_api().await;
    let stored = account.secrets.create_secret().name("jw/api").secret_string(API_SECRET);
    stored.send().await.unwrap();
    let list = Jwhook::of(&account, &jw, &["list", "--api-secret-id", "jw/api"]);
    assert!(list.without("JW_API_SECRET").run(&jw).await.done().contains("c0Y6ebVU"));
}

#[tokio::test]
async fn api_secret_is_prompted_for_on_a_terminal_and_not_shown() {
    let (account, jw) = account_and_api().await;
    let list = Jwhook::of(&account, &jw, &["list"]).without("JW_API_SECRET");
    let ran = list.run_on_terminal("JW API secret", API_SECRET, &jw).await;
    assert!(ran.done().contains("Newsroom"));
}

#[tokio::test]
async fn missing_or_malformed_api_secret_is_an_error_before_any_call() {
    let (account, jw) = account_and_api().await;
    let error = Jwhook::of(&account, &jw, &["list"]).without("JW_API_SECRET").run(&jw).await;
    let error = error.error();
    assert!(error.contains("set JW_API_SECRET, or give --api-secret-id"), "{error}");
    for (value, said) in [("", "it is empty"), ("two words", "characters that no JW secret has")] {
        let list = Jwhook::of(&account, &jw, &["list"]).env("JW_API_SECRET", value);
        let error = list.run(&jw).await.error();
        assert!(
            error.starts_with("JW_API_SECRET is not a JW API secret") && error.contains(said),
            "{error}"
        );
    }
    assert_eq!(jw.state().calls, []);
}

#[tokio::test]
async fn missing_aws_credentials_are_a_one_line_error() {
    let (account, jw) = account_and_api().await;
    let list = Jwhook::of(&account, &jw, &["list"]).without("AWS_SECRET_ACCESS_KEY");
    let ran = list.without("AWS_ACCESS_KEY_ID").run(&jw).await;
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    let error = ran.error();
    assert!(error.starts_with("cloudformation:DescribeStacks on stack jw: "), "{error}");
    assert!(error.contains("check the region (--region), the credentials"), "{error}");
}

#[tokio::test]
async fn api_secret_is_redacted_in_quoted_responses() {
    let (account, jw) = account_and_api().await;
    let body = "\"no rights for Canary-JW-API-secret-0123456789abcdefghijklmnopqrstuv\"";
    jw.next("GET", Meet::Answer(403, body));
    let list = Jwhook::of(&account, &jw, &["list", "--verbose"]).env("RUST_LOG", "trace");
    let ran = list.run(&jw).await;
    assert!(ran.stderr.contains("INFO") && ran.stderr.contains("GET v2/webhooks/"), "{ran:#?}");
    let error = ran.error();
    assert!(error.contains("JW answered 403, no rights for [API secret]"), "{error}");
}

#[tokio::test]
async fn api_secret_is_not_sent_over_plain_http_to_the_network() {
    let (account, jw) = account_and_api().await;
    let list = Jwhook::of(&account, &jw, &["list"]).env("JW_API_URL", "http://192.0.2.1:1/");
    let error = list.run(&jw).await.error();
    assert!(error.contains("the network could read the API secret"), "{error}");
}

/// `create` of a webhook with this name, without a prompt and without a wait.
fn create(account: &Account, jw: &JwApi, name: &str) -> Jwhook {
    let rest = "--event media_available --site jsPxIVHl --yes --settle 0";
    let arguments: Vec<&str> =
        ["create", "--name", name].into_iter().chain(rest.split(' ')).collect();
    Jwhook::of(account, jw, &arguments)
}

#[tokio::test]
async fn webhooks_created_concurrently_all_keep_their_keys() {
    let (account, jw) = account_and_api().await;
    let names = ["1", "2", "3", "4"];
    let creates = names.map(|name| create(&account, &jw, name).run(&jw));
    for ran in futures_util::future::join_all(creates).await {
        ran.done();
    }
    let mut ids = jw.ids();
    ids.sort();
    assert_eq!((ids.len(), account.ring_ids().await), (5, ids));
}

#[tokio::test]
async fn ring_update_with_a_lost_response_succeeds() {
    for lost in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let (account, jw) = account_and_api().await;
        account.next(lost, Meet::DoneThenClose);
        create(&account, &jw, "n").run(&jw).await.done();
        assert_eq!(account.ring_ids().await, ["c0Y6ebVU", "new00001"], "{lost}");
    }
}
