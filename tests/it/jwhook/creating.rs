//! After `create`, the webhook and its key both exist, or neither exists. If `create` cannot reach
//! either state, its error says whether the webhook or the key is left.

mod arguments;
mod parked;

use super::support::{Account, JwApi, Jwhook, Meet, Until, WEBHOOK_URL, webhook};
use serde_json::json;

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";
const DENIED: Meet = Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#);

/// `create` that does not wait for the functions.
const CREATE: [&str; 9] = [
    "create",
    "--name",
    "Live",
    "--event",
    "channel_active,channel_idle",
    "--site",
    "jsPxIVHl",
    "--settle",
    "0",
];

async fn account_and_api() -> (Account, JwApi) {
    let account = Account::start(&json!({ "c0Y6ebVU": KEY }).to_string()).await;
    (account, JwApi::start([webhook("c0Y6ebVU", "Newsroom")]).await)
}

/// Runs `create`, which must fail, and returns the error.
async fn failed(account: &Account, jw: &JwApi) -> String {
    let error = Jwhook::of(account, jw, &CREATE).run(jw).await.error();
    assert_eq!(jw.ids(), ["c0Y6ebVU"], "{error}");
    assert_eq!(account.secret().await, json!({ "c0Y6ebVU": KEY }).to_string(), "{error}");
    error
}

#[tokio::test]
async fn create_makes_the_webhook_and_stores_its_key_in_the_ring() {
    let (account, jw) = account_and_api().await;
    let arguments =
        [&CREATE[..], &["--event", "new_event", "--site", "9KboGBFu,jsPxIVHl"]].concat();
    let arguments = [&arguments[..], &["--description", "the studio's"]].concat();
    let created = Jwhook::of(&account, &jw, &arguments).run(&jw).await.done();
    assert_eq!(created, "webhook new00001 (\"Live\") is created, and its key is in the ring\n");
    let metadata = json!({
        "name": "Live",
        "description": "the studio's",
        "webhook_url": WEBHOOK_URL,
        "events": ["channel_active", "channel_idle", "new_event"],
        "site_ids": ["jsPxIVHl", "9KboGBFu"],
    });
    let [created, activated] = jw.changes().try_into().unwrap();
    assert_eq!((created.method.as_str(), activated.method.as_str()), ("POST", "PATCH"));
    assert_eq!(activated.body, json!({ "metadata": metadata }));
    let mut parked = metadata.clone();
    parked["webhook_url"] = created.body["metadata"]["webhook_url"].clone();
    assert_eq!(created.body, json!({ "metadata": parked }));
    let parked_at = parked["webhook_url"].as_str().unwrap();
    assert!(parked_at.starts_with("https://jwhook.invalid/new?jwhook_run="), "{parked_at}");
    let ring = json!({"c0Y6ebVU": KEY, "new00001": jw.secret("new00001")});
    assert_eq!(account.secret().await, ring.to_string());

    let other = [
        "create", "--name", "n", "--event", "e", "--site", "s", "--output", "json", "--settle", "0",
    ];
    let json = Jwhook::of(&account, &jw, &other).run(&jw).await.json();
    assert_eq!(
        (&json["id"], &json["key"], &json["calls_this_stack"]),
        (&json!("new00002"), &json!("in_ring"), &json!(true))
    );
    assert_eq!(json["secret"], json!(null));
}

#[tokio::test]
async fn create_of_a_second_webhook_for_the_stack_asks_first() {
    let (account, jw) = account_and_api().await;
    Jwhook::of(&account, &jw, &CREATE).run(&jw).await.done();
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(
        error.starts_with(
            "Webhook new00001 (\"Live\") already calls this stack: each event would be sent \
             twice. Create another webhook? There is no terminal"
        ),
        "{error}"
    );
    assert_eq!((jw.changes().len(), account.ring_ids().await.len()), (2, 2));
    Jwhook::of(&account, &jw, &[&CREATE[..], &["--yes"]].concat()).run(&jw).await.done();
    assert_eq!(account.ring_ids().await, ["c0Y6ebVU", "new00001", "new00002"]);

    account.set_secret(&json!({ "c0Y6ebVU": KEY }).to_string()).await;
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(
        error.contains("the function refuses its events (if a jwhook create was interrupted, run"),
        "{error}"
    );
}

#[tokio::test]
async fn create_deletes_or_names_the_webhook_if_jws_response_is_lost() {
    let (account, jw) = account_and_api().await;
    jw.next("POST", Meet::DoneThenClose);
    let error = failed(&account, &jw).await;
    assert!(
        error.starts_with(
            "webhook new00001 was created and deleted again, because its key could not be \
             stored: POST of a new webhook: no response from JW"
        ),
        "{error}"
    );
    for lost in [Meet::Close, Meet::Answer(504, "<html>Gateway Timeout"), Meet::Answer(201, "{}")] {
        jw.next("POST", lost);
        let error = failed(&account, &jw).await;
        assert!(error.starts_with("the new webhook is not in JW's list"), "{error}");
    }
    jw.next("POST", Meet::DoneThenClose);
    jw.next("DELETE", Meet::Answer(503, "\"later\""));
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(
        error.starts_with("webhook new00002 was created, but its key could not be stored"),
        "{error}"
    );
    assert!(
        error.contains("503, later") && error.contains("with jwhook delete new00002"),
        "{error}"
    );
}

#[tokio::test]
async fn jw_error_containing_a_secret_is_not_quoted() {
    let (account, jw) = account_and_api().await;
    let secret = "Canary-of-a-secret-in-an-error-0123456789";
    jw.state().secrets.push(("none0000".into(), secret.into()));
    let body = r#"{"id":"none0000","secret":"Canary-of-a-secret-in-an-error-0123456789"}"#;
    for body in [body, &body[..60]] {
        jw.next("POST", Meet::Answer(500, body));
        let error = failed(&account, &jw).await;
        assert!(error.contains("JW answered 500; JW is at fault"), "{error}");
    }
}

#[tokio::test]
async fn error_says_how_to_find_a_webhook_that_may_have_been_created() {
    let (account, jw) = account_and_api().await;
    jw.next("POST", Meet::DoneThenClose);
    jw.nth("GET", 2, Meet::Answer(500, ""));
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(error.starts_with("the webhook may have been created, but its key is lost"), "{error}");
    assert!(error.contains("run jwhook list, and delete the new webhook"), "{error}");
    assert_eq!(jw.changes().len(), 1);
}

#[tokio::test]
async fn create_fails_without_another_call_if_jw_rejects_it() {
    let (account, jw) = account_and_api().await;
    for (status, body) in [
        (400, r#"{"errors":[{"code":"invalid_body","description":"events"}]}"#),
        (401, "\"Unauthorized\""),
        (409, "<html>conflict"),
        (422, "not JSON"),
    ] {
        jw.next("POST", Meet::Answer(status, body));
        let before = jw.state().calls.len();
        let error = failed(&account, &jw).await;
        let expected = format!("POST of a new webhook: JW answered {status}, ");
        assert!(error.starts_with(&expected), "{error}");
        assert_eq!(jw.state().calls.len(), before + 1, "JW performs only the list before the POST");
    }
    for body in ["\"Unauthorized\"", "<html>", "{\"errors\":[]}"] {
        jw.next("GET", Meet::Answer(401, body));
        let error = failed(&account, &jw).await;
        assert!(error.contains("page 1 of JW's webhooks: JW answered 401"), "{error}");
    }
    assert_eq!(jw.changes(), []);
}

#[tokio::test]
async fn create_deletes_the_webhook_if_its_key_cannot_be_stored() {
    for failing in ["PutSecretValue", "UpdateSecretVersionStage"] {
        let (account, jw) = account_and_api().await;
        account.next(failing, DENIED);
        let error = failed(&account, &jw).await;
        assert!(
            error.starts_with(
                "webhook new00001 was created and deleted again, because its key could not be \
                 stored: secretsmanager:"
            ) && error.contains(failing)
                && error.contains("AccessDeniedException"),
            "{error}"
        );
        account.next(failing, DENIED);
        for _ in 0..3 {
            jw.next("DELETE", Meet::Close);
        }
        let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
        assert!(
            error.starts_with(
                "webhook new00002 was created, but its key could not be stored and is lost, and \
                 the webhook could not be deleted again"
            ) && error.contains("jwhook delete new00002"),
            "{error}"
        );
        assert_eq!(jw.ids(), ["c0Y6ebVU", "new00002"]);
        assert_eq!(account.ring_ids().await, ["c0Y6ebVU"]);
    }
}

#[tokio::test]
async fn unusable_secret_from_jw_is_not_stored() {
    let (account, jw) = account_and_api().await;
    jw.state().next_secret = Some("too-short-for-a-key".to_owned());
    let error = failed(&account, &jw).await;
    assert!(
        error.contains(
            "because its key could not be stored: JW returned an unusable secret: the key is"
        ),
        "{error}"
    );
}

#[tokio::test]
async fn create_turns_a_single_key_into_a_ring() {
    let account = Account::start(KEY).await;
    let jw = JwApi::start([]).await;
    // no webhook is known to own the key
    let create = [&CREATE[..], &["--yes"]].concat();
    let error = Jwhook::of(&account, &jw, &CREATE).run(&jw).await.error();
    assert!(error.contains("cannot tell which webhook the key belongs to"), "{error}");
    assert_eq!((jw.changes(), account.secret().await), (vec![], KEY.to_owned()));
    Jwhook::of(&account, &jw, &create).run(&jw).await.done();
    let ring = json!({ "new00001": jw.secret("new00001") });
    assert_eq!(account.secret().await, ring.to_string());
    // one webhook calls the stack, so the key is assumed to be its own
    account.set_secret(KEY).await;
    Jwhook::of(&account, &jw, &create).run(&jw).await.done();
    let ring = json!({"new00001": KEY, "new00002": jw.secret("new00002")});
    assert_eq!(account.secret().await, ring.to_string());
    // two webhooks call the stack, and the key may belong to either
    account.set_secret(KEY).await;
    let error = Jwhook::of(&account, &jw, &create).run(&jw).await.error();
    assert!(error.contains("more than one webhook calls") && error.contains("new00001, new00002"));
    assert_eq!((jw.ids().len(), account.secret().await), (2, KEY.to_owned()));
}

#[tokio::test]
async fn ctrl_c_during_create_leaves_no_webhook_without_its_key() {
    for (call, n, signal) in [
        ("POST", 1, "-INT"),
        ("PutSecretValue", 1, "-TERM"),
        ("PutSecretValue", 1, "-INT"),
        ("UpdateSecretVersionStage", 1, "-INT"),
    ] {
        let (account, jw) = account_and_api().await;
        let running = Jwhook::of(&account, &jw, &CREATE).spawn();
        if call == "POST" {
            jw.until(Until::Begun, call, n).await;
        } else {
            account.until(Until::Begun, call, n).await;
        }
        running.signal(signal);
        let ran = running.end(&jw).await;
        // the run may have ended before the signal
        assert!(
            ran.code == Some(0) || ran.stderr.contains("error: interrupted; run the same"),
            "{ran:?}"
        );
        assert_eq!(jw.ids(), ["c0Y6ebVU", "new00001"]);
        assert_eq!(account.ring_ids().await, ["c0Y6ebVU", "new00001"], "{call}");
    }
}
