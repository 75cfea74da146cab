//! Other people make changes while a prompt is open. No key is lost.

use super::support::{Account, JwApi, Jwhook, Ran, TestFile, webhook};
use crate::support::all_at_once;
use serde_json::json;

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";
const OTHER: &str = "other.other.other.other.other.other";

/// Each command that changes the ring, with its prompt.
const DELETE: (&[&str], &str) = (&["delete", "c0Y6ebVU"], "remove its key from the ring?");
const ROTATE: (&[&str], &str) = (&["rotate", "c0Y6ebVU"], "jwhook will delete it.");

/// An AWS account with this secret, and JW's API with one webhook, which calls the stack.
async fn account_and_api(secret: &str) -> (Account, JwApi) {
    (Account::start(secret).await, JwApi::start([webhook("c0Y6ebVU", "Newsroom")]).await)
}

/// Gives all webhooks another URL.
fn move_away(jw: &JwApi) {
    for webhook in &mut jw.state().webhooks {
        webhook["metadata"]["webhook_url"] = json!("https://example.com/");
    }
}

#[track_caller]
fn failed_with(ran: &Ran, expected: &str) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains(expected), "{ran:?}");
}

#[tokio::test]
async fn single_key_stays_if_its_webhook_gets_another_url_during_the_prompt() {
    all_at_once([(DELETE, false), (DELETE, true), (ROTATE, false), (ROTATE, true)], async |case| {
        let ((command, question), is_replaced) = case;
        let (account, jw) = account_and_api(KEY).await;
        let meanwhile = async || {
            move_away(&jw);
            if is_replaced {
                jw.state().webhooks.push(webhook("7Rav0hC5", "Live"));
            }
        };
        let run = Jwhook::of(&account, &jw, command);
        let ran = run.run_while_asked(question, meanwhile, &jw).await;
        let expected = match is_replaced {
            true => "another webhook than c0Y6ebVU calls this stack now",
            false => "cannot tell which webhook the key belongs to",
        };
        failed_with(&ran, expected);
        assert_eq!((account.secret().await.as_str(), jw.changes()), (KEY, vec![]));
    })
    .await;
}

#[tokio::test]
async fn single_key_that_replaces_the_ring_during_the_prompt_stays() {
    let file = TestFile::of(
        "webhooks:\n- name: Newsroom\n  events: [conversions_complete, media_available]\n  \
         site_ids: [jsPxIVHl]\n",
    );
    let cases = [
        (&["delete", "gone0000"][..], "Remove its key from the ring?"),
        (&["rotate", "gone0000"], "Remove the old key from the ring?"),
        (&["apply", file.path()], "Do this step (1)?"),
    ];
    all_at_once(cases, async |(command, question)| {
        let ring = json!({"c0Y6ebVU": KEY, "gone0000": OTHER}).to_string();
        let (account, jw) = account_and_api(&ring).await;
        let meanwhile = async || {
            move_away(&jw);
            account.set_secret(KEY).await;
        };
        let grace = if command[0] == "rotate" { &["--grace", "0"][..] } else { &[] };
        let run = Jwhook::of(&account, &jw, &[command, grace].concat());
        let ran = run.run_while_asked(question, meanwhile, &jw).await;
        failed_with(
            &ran,
            "is a single key, and jwhook cannot tell which webhook the key belongs to",
        );
        assert_eq!(account.secret().await, KEY);
    })
    .await;
}

#[tokio::test]
async fn ring_emptied_during_the_prompt_gets_a_placeholder() {
    let (account, jw) = account_and_api(&json!({ "c0Y6ebVU": KEY }).to_string()).await;
    let (command, question) = DELETE;
    let meanwhile = async || account.set_secret("{ }").await;
    let run = Jwhook::of(&account, &jw, command);
    run.run_while_asked(question, meanwhile, &jw).await.done();
    assert_eq!(account.ring_ids().await, ["placeholder"]);
}

#[tokio::test]
async fn single_key_stays_if_its_webhook_gets_another_url_during_the_prompt_of_create() {
    let (account, jw) = account_and_api(KEY).await;
    let meanwhile = async || move_away(&jw);
    let create = "create --name Newsroom --event media_available --site jsPxIVHl --settle 0";
    let create: Vec<&str> = create.split(' ').collect();
    let run = Jwhook::of(&account, &jw, &create);
    let ran = run.run_while_asked("Create another webhook?", meanwhile, &jw).await;
    failed_with(&ran, "cannot tell which webhook the key belongs to");
    assert_eq!((account.secret().await.as_str(), jw.ids()), (KEY, vec!["c0Y6ebVU".to_owned()]));
}
