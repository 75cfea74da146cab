//! The calls of `rotate` to JW, the cases in which `rotate` refuses to start, and how it continues
//! after an interruption.

mod continuing;
mod meanwhile;

use super::support::{Account, Call, JwApi, Jwhook, Meet, WEBHOOK_URL, webhook};
use crate::support::{OTHER_SECRET, SECRET};
use serde_json::{Value, json};

const OLD: &str = "7Rav0hC5";

const PARKED: &str = "https://jwhook.invalid/replaces/7Rav0hC5";

const SHORT: [&str; 4] = ["--settle", "0", "--grace", "0"];

fn ring() -> String {
    json!({ OLD: SECRET }).to_string()
}

fn rotate(account: &Account, jw: &JwApi, more: &[&str]) -> Jwhook {
    let arguments = [&["rotate", OLD, "--yes"], &SHORT[..], more].concat();
    Jwhook::of(account, jw, &arguments)
}

/// The webhook's metadata with another URL.
fn metadata(url: &str) -> Value {
    let mut metadata = webhook(OLD, "newsroom")["metadata"].clone();
    metadata["webhook_url"] = json!(url);
    metadata
}

fn call(method: &str, id: &str, body: Value) -> Call {
    let slash = if id.is_empty() { "" } else { "/" };
    Call { method: method.into(), path: format!("/v2/webhooks/{id}{slash}"), body }
}

fn created_at(url: &str) -> Call {
    call("POST", "", json!({"metadata": metadata(url)}))
}

/// The calls that changed something at JW. The ID of the run is removed from the parked webhook's
/// URL, because each run has another ID.
fn changes(jw: &JwApi) -> Vec<Call> {
    let mut changes = jw.changes();
    for call in changes.iter_mut().filter(|call| call.method == "POST") {
        let url = &mut call.body["metadata"]["webhook_url"];
        let (parked, run) = url.as_str().unwrap().split_once("?jwhook_run=").unwrap();
        assert!(run.len() == 16 && run.bytes().all(|byte| byte.is_ascii_hexdigit()), "{run}");
        *url = json!(parked);
    }
    changes
}

fn made_live(id: &str) -> Call {
    call("PATCH", id, json!({"metadata": metadata(WEBHOOK_URL)}))
}

fn deleted(id: &str) -> Call {
    call("DELETE", id, Value::Null)
}

#[tokio::test]
async fn rotation_parks_the_new_webhook_activates_it_and_deletes_the_old_one() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let stdout = rotate(&account, &jw, &[]).run(&jw).await.done();
    assert_eq!(
        stdout,
        "webhook 7Rav0hC5 is replaced with new00001; warm functions may accept the old key for another 300 s\n"
    );
    assert_eq!(changes(&jw), [created_at(PARKED), made_live("new00001"), deleted(OLD)]);
    assert_eq!(account.ring_ids().await, ["new00001"]);
    assert!(account.secret().await.contains(&jw.secret("new00001")));
}

#[tokio::test]
async fn rotation_turns_a_single_key_into_a_ring_first() {
    let account = Account::start(SECRET).await;
    let both = [webhook(OLD, "newsroom"), webhook("c0Y6ebVU", "sports")];
    let jw = JwApi::start(both).await;
    let error = rotate(&account, &jw, &[]).run(&jw).await.error();
    assert!(error.contains("more than one webhook calls"), "{error}");
    assert_eq!((jw.changes(), account.secret().await), (vec![], SECRET.to_owned()));

    jw.state().webhooks.pop();
    jw.next("PATCH", Meet::Answer(500, ""));
    rotate(&account, &jw, &[]).run(&jw).await.error();
    let ring = json!({OLD: SECRET, "new00001": jw.secret("new00001")});
    assert_eq!(serde_json::from_str::<Value>(&account.secret().await).unwrap(), ring);
}

#[tokio::test]
async fn dry_run_lists_the_steps_and_changes_nothing() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let stdout = Jwhook::of(&account, &jw, &["rotate", OLD, "--dry-run"]).run(&jw).await.done();
    assert_eq!(
        stdout,
        "To replace webhook 7Rav0hC5, jwhook would:\n\
         1. create the new webhook, parked, and store its key in the ring\n\
         2. wait until every warm function accepts the new key (40 s)\n\
         3. make the new webhook call the endpoint\n\
         4. wait until JW sends each event through the new webhook too (60 s)\n\
         5. delete the old webhook\n\
         6. wait for late deliveries of the old webhook (300 s)\n\
         7. wait until no event is held: a held event may need the old webhook's key\n\
         8. remove the old webhook's key from the ring\n"
    );
    let json = ["rotate", OLD, "--dry-run", "--settle", "7", "--output", "json"];
    let plan = json!({
        "dry_run": true,
        "old_webhook_id": OLD,
        "new_webhook_id": null,
        "steps": [
            {"step": "create_parked"},
            {"step": "settle", "seconds": 7},
            {"step": "activate"},
            {"step": "overlap", "seconds": 7},
            {"step": "delete_old"},
            {"step": "grace", "seconds": 300},
            {"step": "await_held"},
            {"step": "remove_key"},
        ],
    });
    assert_eq!(Jwhook::of(&account, &jw, &json).run(&jw).await.json(), plan);
    let drop_held = [&json[..], &["--drop-held"]].concat();
    let plan = Jwhook::of(&account, &jw, &drop_held).run(&jw).await.json();
    assert_eq!(plan["steps"][6], json!({"step": "drop_held"}));
    assert_eq!(jw.changes(), []);
    assert_eq!(account.secret().await, ring());
}

#[tokio::test]
async fn webhook_that_cannot_be_rotated_is_left_unchanged() {
    let account = Account::start(&ring()).await;
    let mut elsewhere = webhook("elsewher", "another stack's");
    elsewhere["metadata"]["webhook_url"] = json!("https://example.com/hook");
    let mut parked = webhook("parked01", "newsroom");
    parked["metadata"]["webhook_url"] = json!("https://jwhook.invalid/replaces/c0Y6ebVU");
    let webhooks = [webhook(OLD, "newsroom"), webhook("c0Y6ebVU", "sports"), elsewhere, parked];
    let jw = JwApi::start(webhooks).await;
    let cases = [
        ("unknown1", "JW has no webhook unknown1, and the ring has no key for it"),
        (
            "elsewher",
            "webhook elsewher calls https://example.com/hook, but this stack's endpoint is",
        ),
        ("c0Y6ebVU", "the ring has no usable key for webhook c0Y6ebVU"),
        ("parked01", "webhook parked01 is the replacement of c0Y6ebVU"),
    ];
    for (id, expected) in cases {
        let error = Jwhook::of(&account, &jw, &["rotate", id, "--yes"]).run(&jw).await.error();
        assert!(error.starts_with(expected), "{error}");
    }
    account.set_secret(&json!({OLD: SECRET, "c0Y6ebVU": OTHER_SECRET}).to_string()).await;
    jw.state().webhooks.truncate(1);
    jw.state().webhooks[0]["id"] = json!("keyless1");
    let error = rotate(&account, &jw, &[]).run(&jw).await.error();
    assert!(error.contains("was deleted at JW without a replacement"), "{error}");
    assert_eq!(jw.changes(), []);
    assert_eq!(account.ring_ids().await, [OLD, "c0Y6ebVU"]);
}

#[tokio::test]
async fn key_stays_after_a_404_that_may_not_be_from_jw() {
    let both = json!({OLD: SECRET, "c0Y6ebVU": OTHER_SECRET}).to_string();
    let account = Account::start(&both).await;
    let jw = JwApi::start([webhook(OLD, "newsroom"), webhook("c0Y6ebVU", "sports")]).await;
    jw.next("GET", Meet::Answer(404, "<html>no such page"));
    let error = rotate(&account, &jw, &[]).run(&jw).await.error();
    assert_eq!(error, "JW lists webhook 7Rav0hC5, but answers 404 to a request for it; try again");
    assert_eq!((jw.changes(), account.secret().await), (vec![], both));
}

#[tokio::test]
async fn nothing_is_changed_without_confirmation() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let error = Jwhook::of(&account, &jw, &["rotate", OLD]).run(&jw).await.error();
    let question = "Replace webhook 7Rav0hC5 (\"newsroom\")? jwhook will delete it.";
    assert!(error.starts_with(question) && error.contains("give --yes"), "{error}");
    assert_eq!((jw.changes(), account.secret().await), (vec![], ring()));
}

#[tokio::test]
async fn another_parking_url_can_be_given_if_jw_rejects_the_default() {
    let account = Account::start(&ring()).await;
    let jw = JwApi::start([webhook(OLD, "newsroom")]).await;
    let refusal =
        r#"{"errors":[{"code":"invalid_body","description":"webhook_url doesn't resolve"}]}"#;
    jw.next("POST", Meet::Answer(422, refusal));
    let error = rotate(&account, &jw, &[]).run(&jw).await.error();
    for part in [PARKED, "--parking-url", "webhook_url doesn't resolve"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(jw.ids(), [OLD]);
    let insecure = ["--parking-url", "http://example.com/"];
    let error = rotate(&account, &jw, &insecure).run(&jw).await.error();
    assert_eq!(
        error,
        "--parking-url http://example.com/ is not an HTTPS URL, and JW calls only HTTPS"
    );

    jw.next("PATCH", Meet::Answer(500, ""));
    let other = ["--parking-url", "https://example.com/nobody"];
    rotate(&account, &jw, &other).run(&jw).await.error();
    rotate(&account, &jw, &[]).run(&jw).await.done(); // finds the parked webhook
    let parked = "https://example.com/nobody/replaces/7Rav0hC5";
    assert_eq!(changes(&jw), [created_at(parked), made_live("new00001"), deleted(OLD)]);
}
