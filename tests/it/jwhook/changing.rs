//! `update` changes only the given members of a webhook. `delete` removes a webhook's key only
//! after it has deleted the webhook.

use super::support::{Account, FUNCTION_URL, JwApi, Jwhook, Meet, Ran, WEBHOOK_URL, webhook};
use serde_json::{Value, json};

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";
const OTHER: &str = "other.other.other.other.other.other";
const DENIED: Meet = Meet::Answer(400, r#"{"__type":"AccessDeniedException"}"#);

fn both_keys() -> String {
    json!({"c0Y6ebVU": KEY, "7Rav0hC5": OTHER}).to_string()
}

async fn account_and_api() -> (Account, JwApi) {
    let mut elsewhere = webhook("zApier01", "Zapier");
    elsewhere["metadata"]["webhook_url"] = json!("https://hooks.zapier.com/hooks/catch/1/");
    let webhooks = [webhook("c0Y6ebVU", "Newsroom"), webhook("7Rav0hC5", "Live"), elsewhere];
    (Account::start(&both_keys()).await, JwApi::start(webhooks).await)
}

async fn run(account: &Account, jw: &JwApi, arguments: &[&str]) -> Ran {
    Jwhook::of(account, jw, arguments).run(jw).await
}

#[tokio::test]
async fn update_sends_the_whole_metadata_with_unknown_members() {
    let (account, jw) = account_and_api().await;
    let arguments = ["update", "c0Y6ebVU", "--name", "Desk", "--event", "media_available,new_one"];
    let ran = run(&account, &jw, &arguments).await;
    assert_eq!(
        ran.stderr,
        "webhook c0Y6ebVU (\"Desk\") is changed:\n  name: \"Newsroom\" -> \"Desk\"\n  \
         events: +new_one -conversions_complete\n"
    );
    let shown = ran.done();
    assert!(shown.contains("events         media_available, new_one\n"), "{shown}");
    let mut metadata = webhook("c0Y6ebVU", "Desk")["metadata"].clone();
    metadata["events"] = json!(["media_available", "new_one"]);
    let calls = jw.changes();
    assert_eq!((calls.len(), calls[0].method.as_str()), (1, "PATCH"));
    assert_eq!(calls[0].path, "/v2/webhooks/c0Y6ebVU/");
    assert_eq!(calls[0].body, json!({ "metadata": metadata }));
    assert_eq!(account.secret().await, both_keys());

    let arguments = ["update", "c0Y6ebVU", "--site", "a", "--site", "b", "--description", ""];
    let json = run(&account, &jw, &[&arguments[..], &["--output", "json"]].concat()).await.json();
    metadata["site_ids"] = json!(["a", "b"]);
    metadata["description"] = json!("");
    assert_eq!((&json["metadata"], &json["key"]), (&metadata, &json!("in_ring")));
}

#[tokio::test]
async fn update_without_a_difference_changes_nothing() {
    let (account, jw) = account_and_api().await;
    let error = run(&account, &jw, &["update", "c0Y6ebVU"]).await.error();
    assert!(error.starts_with("there is nothing to change"), "{error}");
    let same = ["update", "c0Y6ebVU", "--event", "conversions_complete,media_available"];
    let same = [&same[..], &["--name", "Newsroom", "--to-this-stack"]].concat();
    let ran = run(&account, &jw, &same).await;
    assert!(ran.stderr.contains("already has these values: nothing was changed"), "{ran:?}");
    assert!(ran.done().contains("Newsroom"));
    let error = run(&account, &jw, &["update", "unknown0", "--name", "n"]).await.error();
    assert_eq!(error, "JW has no webhook unknown0; jwhook list shows the webhooks");
    assert_eq!(jw.changes(), []);
}

#[tokio::test]
async fn update_can_make_a_webhook_call_this_stack() {
    let (account, jw) = account_and_api().await;
    let arguments = ["update", "zApier01", "--to-this-stack"];
    let http = [&arguments[..], &["--webhook-url", "http://example.com"]].concat();
    assert!(run(&account, &jw, &http).await.error().contains("calls only HTTPS"));
    let without = Jwhook::of(&account, &jw, &arguments).without("JWHOOK_STACK").run(&jw).await;
    assert!(without.error().contains("or --webhook-url URL"));
    let error = run(&account, &jw, &arguments).await.error();
    assert!(
        error.contains("accepts none of its events. Make the webhook call this stack all"),
        "{error}"
    );
    assert_eq!(jw.changes(), []);
    let ran = run(&account, &jw, &[&arguments[..], &["--yes"]].concat()).await;
    assert!(ran.stderr.contains("the function accepts no event of webhook zApier01"), "{ran:?}");
    ran.done();
    assert_eq!(jw.webhook("zApier01").unwrap()["metadata"]["webhook_url"], WEBHOOK_URL);
    // the other members can be changed without a stack
    let arguments = ["update", "zApier01", "--name", "Z"];
    Jwhook::of(&account, &jw, &arguments).without("JWHOOK_STACK").run(&jw).await.done();
    assert_eq!(jw.webhook("zApier01").unwrap()["metadata"]["name"], "Z");
}

#[tokio::test]
async fn webhook_can_switch_between_the_urls_of_its_stack() {
    let (account, jw) = account_and_api().await;
    let to = ["update", "c0Y6ebVU", "--settle", "0", "--to"];
    for (kind, url) in
        [("function-url", FUNCTION_URL), ("http-api", WEBHOOK_URL), ("function-url", FUNCTION_URL)]
    {
        run(&account, &jw, &[&to[..], &[kind]].concat()).await.done();
        assert_eq!(jw.webhook("c0Y6ebVU").unwrap()["metadata"]["webhook_url"], url);
        let shown = run(&account, &jw, &["show", "c0Y6ebVU", "--output", "json"]).await.json();
        assert_eq!(shown["calls_this_stack"], json!(true), "{kind}");
    }
    let rotate = ["rotate", "c0Y6ebVU", "--dry-run"];
    run(&account, &jw, &rotate).await.done();

    let changes = jw.changes().len();
    let given = [&to[..], &["http-api", "--webhook-url", FUNCTION_URL]].concat();
    let error = run(&account, &jw, &given).await.error();
    assert!(
        error.contains("no output WebhookUrlHttpApi: deploy the stack with Endpoint=Both"),
        "{error}"
    );
    assert_eq!(jw.changes().len(), changes);
}

#[tokio::test]
async fn update_fails_if_jw_rejects_it_or_responds_unexpectedly() {
    let (account, jw) = account_and_api().await;
    for (status, body) in [(412, "\"changed\""), (500, "<html>"), (204, ""), (201, "{}")] {
        jw.next("PATCH", Meet::Answer(status, body));
        let ran = run(&account, &jw, &["update", "c0Y6ebVU", "--name", "n"]).await;
        assert_eq!(ran.stdout, "");
        assert!(ran.error().starts_with("PATCH of webhook c0Y6ebVU: JW"));
    }
}

#[tokio::test]
async fn delete_deletes_the_webhook_and_then_its_key() {
    let (account, jw) = account_and_api().await;
    let error = run(&account, &jw, &["delete", "c0Y6ebVU"]).await;
    assert!(error.stderr.contains("name           Newsroom\n"), "{error:?}");
    let error = error.error();
    assert!(
        error.starts_with(
            "Delete webhook c0Y6ebVU (\"Newsroom\"), and remove its key from the ring? There is \
             no terminal to answer on, so nothing was changed"
        ),
        "{error}"
    );
    let no = Jwhook::of(&account, &jw, &["delete", "c0Y6ebVU"]);
    assert_eq!(no.run_on_terminal("from the ring?", "n", &jw).await.code, Some(2));
    assert_eq!((jw.changes(), account.secret().await), (vec![], both_keys()));

    jw.next("DELETE", Meet::Answer(403, "\"no\""));
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(error.starts_with("DELETE of webhook c0Y6ebVU: JW answered 403, no"), "{error}");
    assert_eq!(account.secret().await, both_keys());

    let yes = Jwhook::of(&account, &jw, &["delete", "c0Y6ebVU"]);
    let deleted = yes.run_on_terminal("from the ring?", "y", &jw).await.done();
    assert!(deleted.contains("webhook c0Y6ebVU is deleted, and its key is removed from the ring"));
    assert_eq!(
        (jw.ids(), account.ring_ids().await),
        (vec!["7Rav0hC5".into(), "zApier01".into()], vec!["7Rav0hC5".into()])
    );

    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(
        error.starts_with(
            "webhook c0Y6ebVU does not exist: JW has no webhook with this id, and the ring has no key for this id"
        ),
        "{error}"
    );
    let last = run(&account, &jw, &["delete", "7Rav0hC5", "--yes", "--output", "json"]).await;
    assert_eq!(last.json(), json!({"id": "7Rav0hC5", "deleted": true, "key_removed": true}));
    assert_eq!(account.ring_ids().await, ["placeholder"]);
}

#[tokio::test]
async fn delete_run_again_after_a_failure_removes_the_key() {
    let (account, jw) = account_and_api().await;
    account.next("PutSecretValue", DENIED);
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(
        error.starts_with(
            "webhook c0Y6ebVU is deleted at JW, but its key is still in the ring; run the same \
             command again to continue: secretsmanager:PutSecretValue"
        ),
        "{error}"
    );
    assert_eq!(account.secret().await, both_keys());
    let error = run(&account, &jw, &["delete", "c0Y6ebVU"]).await.error();
    assert!(error.contains("Remove its key from the ring? There is no terminal"), "{error}");
    let ran = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes", "--output", "json"]).await;
    assert_eq!(ran.json(), json!({"id": "c0Y6ebVU", "deleted": false, "key_removed": true}));
    // JW deletes the webhook, but the answer is lost
    for _ in 0..3 {
        jw.next("DELETE", Meet::DoneThenClose);
    }
    run(&account, &jw, &["delete", "7Rav0hC5", "--yes"]).await.error();
    assert_eq!(account.ring_ids().await, ["7Rav0hC5"]);
    run(&account, &jw, &["delete", "7Rav0hC5", "--yes"]).await.done();
    assert_eq!(
        (jw.ids(), account.ring_ids().await),
        (vec!["zApier01".into()], vec!["placeholder".into()])
    );
}

#[tokio::test]
async fn key_stays_after_a_404_that_may_not_be_from_jw() {
    let (account, jw) = account_and_api().await;
    jw.next("GET", Meet::Answer(404, "<html>no such page"));
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert_eq!(error, "JW lists webhook c0Y6ebVU, but answers 404 to a request for it; try again");
    for method in ["DELETE", "GET", "GET"] {
        jw.next(method, Meet::Answer(404, "<html>no such page"));
    }
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(error.starts_with("GET of page 1 of JW's webhooks: JW answered 404"), "{error}");
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(error.starts_with("DELETE of webhook c0Y6ebVU: JW answered 404, <html>"), "{error}");
    assert_eq!((jw.changes(), account.secret().await), (vec![], both_keys()));
}

#[tokio::test]
async fn delete_says_if_the_webhook_does_not_belong_to_this_stack() {
    let (account, jw) = account_and_api().await;
    let error = run(&account, &jw, &["delete", "zApier01"]).await.error();
    assert!(
        error.starts_with(
            "Webhook zApier01 (\"Zapier\") does not belong to this stack: it calls another URL, \
             and its key is not in the ring. Delete the webhook all the same?"
        ),
        "{error}"
    );
    account.set_secret(&json!({"zApier01": KEY, "7Rav0hC5": "short"}).to_string()).await;
    let error = run(&account, &jw, &["delete", "zApier01"]).await.error();
    assert!(error.starts_with("Webhook zApier01 (\"Zapier\") calls a URL that is not this stack's. Delete the webhook, and remove its key"), "{error}");
    let error = run(&account, &jw, &["delete", "c0Y6ebVU"]).await.error();
    assert!(error.starts_with("Delete webhook c0Y6ebVU (\"Newsroom\")? Its key is not"), "{error}");
    // a key that is too short can be removed too
    run(&account, &jw, &["delete", "7Rav0hC5", "--yes"]).await.done();
    assert_eq!(account.ring_ids().await, ["zApier01"]);
    account.set_secret("{").await;
    let error = run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert!(error.contains("repair the value in Secrets Manager first"), "{error}");
    assert_eq!(jw.ids(), ["c0Y6ebVU", "zApier01"]);
}

#[tokio::test]
async fn single_key_is_removed_only_with_the_webhook_it_belongs_to() {
    let (account, jw) = account_and_api().await;
    account.set_secret(KEY).await;
    // two webhooks call the stack, and the single key may belong to either
    let ran = run(&account, &jw, &["delete", "7Rav0hC5", "--yes", "--output", "json"]).await;
    assert!(ran.stderr.contains("the secret is a single key, which was not changed"), "{ran:?}");
    assert_eq!(ran.json()["key_removed"], false);
    run(&account, &jw, &["delete", "zApier01", "--yes"]).await.done();
    assert_eq!(account.secret().await, KEY);
    let error = run(&account, &jw, &["delete", "7Rav0hC5", "--yes"]).await.error();
    assert!(error.contains("the secret is a single key, which does not name its"), "{error}");
    // After an interruption the key's webhook would be unknown. So `delete` turns the single key
    // into a ring first.
    for _ in 0..3 {
        jw.next("DELETE", Meet::Close);
    }
    run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.error();
    assert_eq!(account.secret().await, json!({ "c0Y6ebVU": KEY }).to_string());
    run(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).await.done();
    let ring: Value = serde_json::from_str(&account.secret().await).unwrap();
    assert_eq!(ring["placeholder"].as_str().unwrap().len(), 64);
}
