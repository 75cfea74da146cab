//! The output of `list` and `show`, also when JW's API fails.

mod paging;

use super::support::{Account, JwApi, Jwhook, Meet, Ran, webhook};
use serde_json::{Value, json};

const KEY: &str = "ring.ring.ring.ring.ring.ring.ring";

fn zapier() -> Value {
    let mut zapier = webhook("zApier01", "Zapier");
    zapier["metadata"]["webhook_url"] = json!("https://hooks.zapier.com/hooks/catch/1/");
    zapier
}

async fn account() -> Account {
    Account::start(&json!({"c0Y6ebVU": KEY, "unusable": "short", "gone0000": KEY}).to_string())
        .await
}

async fn api() -> JwApi {
    let ours = ["c0Y6ebVU", "unusable", "missing0"].map(|id| webhook(id, &format!("the {id}")));
    JwApi::start(ours.into_iter().chain([zapier()])).await
}

fn statuses(ran: Ran) -> Value {
    let list = ran.json();
    let webhooks = list["webhooks"].as_array().unwrap().iter();
    webhooks.map(|one| json!([one["id"], one["key"], one["calls_this_stack"]])).collect()
}

#[tokio::test]
async fn list_shows_each_webhooks_key_status_and_whether_it_calls_this_stack() {
    let (account, jw) = (account().await, api().await);
    let ran = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await;
    assert_eq!(
        ran.stderr,
        "the ring has a key for webhook gone0000, but JW has no such webhook: run jwhook doctor\n"
    );
    assert_eq!(
        statuses(ran),
        json!([
            ["c0Y6ebVU", "in_ring", true],
            ["unusable", "unusable", true],
            ["missing0", "missing", true],
            ["zApier01", "missing", false],
        ])
    );
    let table = Jwhook::of(&account, &jw, &["list"]).run(&jw).await.done();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["ID", "NAME", "KEY", "THIS STACK", "EVENTS", "SITES", "CREATED"]);
    let events = "media_available, conversions_comple…";
    let first = ["c0Y6ebVU", "the c0Y6ebVU", "in ring", "yes", events, "jsPxIVHl", "2026-01-02"];
    assert_eq!(lines[1], first);
    assert_eq!(lines[4][2..4], ["missing", "no"]);
    // JSON output has every webhook as JW returns it
    let all = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await.json();
    let mut expected = zapier();
    expected["key"] = json!("missing");
    expected["calls_this_stack"] = json!(false);
    assert_eq!(all["webhooks"][3], expected);

    account.set_secret(KEY).await;
    let single = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await;
    assert_eq!(statuses(single)[3], json!(["zApier01", "single_key", false]));
}

#[tokio::test]
async fn list_without_a_stack_says_what_is_unknown() {
    let (account, jw) = (account().await, api().await);
    let list = |arguments: &[&str]| {
        Jwhook::of(&account, &jw, &[&["list", "--output", "json"], arguments].concat())
            .without("JWHOOK_STACK")
    };
    let ran = list(&[]).run(&jw).await;
    assert!(ran.stderr.contains("cannot tell whether the webhooks call this stack and whether their keys are in the ring: give --stack NAME (or JWHOOK_STACK)"), "{ran:?}");
    assert_eq!(statuses(ran)[0], json!(["c0Y6ebVU", null, null]));
    let ran = list(&["--secret-id", &account.secret_arn]).run(&jw).await;
    assert!(ran.stderr.contains("cannot tell whether the webhooks call this stack: "), "{ran:?}");
    assert_eq!(statuses(ran)[0], json!(["c0Y6ebVU", "in_ring", null]));
    let ran = list(&["--webhook-url", "https://HOOKS.zapier.com/hooks/catch/1/"]).run(&jw).await;
    assert_eq!(statuses(ran)[3], json!(["zApier01", null, true]));
}

#[tokio::test]
async fn list_reads_all_pages_with_and_without_a_total() {
    let account = account().await;
    let jw = JwApi::start((0..200).map(|n| webhook(&format!("w{n:07}"), "one of many"))).await;
    for without_total in [false, true] {
        jw.state().without_total = without_total;
        for number in [200, 250] {
            while jw.ids().len() < number {
                let id = format!("w{:07}", jw.ids().len());
                jw.state().webhooks.push(webhook(&id, "one of many"));
            }
            jw.state().webhooks.truncate(number);
            jw.state().calls.clear();
            let ran = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await;
            assert_eq!(ran.json()["webhooks"].as_array().unwrap().len(), number);
            let paths: Vec<String> =
                jw.state().calls.iter().map(|call| call.path.clone()).collect();
            // without a total, only an empty page shows that the previous page was the last
            let pages = number.div_ceil(100) + usize::from(without_total);
            let page = |n| format!("/v2/webhooks/?page={n}&page_length=100");
            assert_eq!(paths, (1..=pages).map(page).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn show_prints_the_details_of_a_webhook() {
    let (account, jw) = (account().await, api().await);
    let shown = Jwhook::of(&account, &jw, &["show", "c0Y6ebVU"]).run(&jw).await.done();
    for line in [
        "id             c0Y6ebVU",
        "name           the c0Y6ebVU",
        "this stack     yes",
        "key            in ring",
        "events         media_available, conversions_complete",
        "created        2026-01-02T03:04:05.678901+00:00",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    let json = Jwhook::of(&account, &jw, &["show", "zApier01", "--output", "json"]);
    let json = json.run(&jw).await.json();
    assert_eq!((&json["key"], &json["metadata"]), (&json!("missing"), &zapier()["metadata"]));
    let error = Jwhook::of(&account, &jw, &["show", "unknown0"]).run(&jw).await.error();
    assert_eq!(error, "JW has no webhook unknown0; jwhook list shows the webhooks");
    let error = Jwhook::of(&account, &jw, &["show", "gone0000"]).run(&jw).await.error();
    assert!(error.contains("the ring still has its key; jwhook delete gone0000"), "{error}");
}

#[tokio::test]
async fn malformed_webhook_id_is_an_error_without_a_call() {
    let (account, jw) = (account().await, api().await);
    for command in ["show", "delete", "update"] {
        for id in ["", "../sites", "a/b", "a?b", "c0Y6ebVU0c0Y6ebVU"] {
            let ran = Jwhook::of(&account, &jw, &[command, id]).run(&jw).await;
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(ran.stderr.contains("8 characters of A-Z, a-z and 0-9"), "{ran:?}");
        }
    }
    assert_eq!(jw.state().calls, []);
}

#[tokio::test]
async fn control_characters_and_secrets_from_jw_are_not_printed() {
    let (account, jw) = (account().await, api().await);
    let secret = "Canary-of-a-secret-that-JW-shows-where-it-never-did";
    {
        let mut state = jw.state();
        state.webhooks[0]["metadata"]["name"] = json!("two\nlines\u{1b}[31m red");
        state.webhooks[0]["secret"] = json!(secret);
        state.secrets.push(("c0Y6ebVU".into(), secret.into()));
    }
    for arguments in
        [&["list"][..], &["show", "c0Y6ebVU"], &["list", "--output", "json", "--verbose"]]
    {
        let shown = Jwhook::of(&account, &jw, arguments).run(&jw).await.done();
        assert!(shown.contains("lines") && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[tokio::test]
async fn unexpected_response_from_jw_is_an_error() {
    let (account, jw) = (account().await, api().await);
    let coded = r#"{"errors":[{"code":"unauthorized","description":"No access."}]}"#;
    for (status, body, said) in [
        (401, coded, "JW answered 401, unauthorized: No access.; check JW's API secret"),
        (403, "\"Forbidden\"", "JW answered 403, Forbidden; check JW's API secret"),
        (500, "it broke\nhere", "JW answered 500, it broke here; JW is at fault: try again later"),
        (502, "<html>\n<h1>Bad Gateway</h1>", "JW answered 502, <html> <h1>Bad Gateway</h1>; JW"),
        (404, "", "JW answered 404; check the webhook's id (jwhook list) and JW_API_URL"),
        (302, "", "JW answered 302"),
        (200, "[]", "JW's response (status 200) differs from the documentation of JW's API"),
        (200, "{}", "JW's response (status 200) differs from the documentation of JW's API"),
        (200, "<html>", "JW's response (status 200) differs from the documentation of JW's API"),
        (204, "", "JW's response (status 204) differs from the documentation of JW's API"),
    ] {
        jw.next("GET", Meet::Answer(status, body));
        let ran = Jwhook::of(&account, &jw, &["list"]).run(&jw).await;
        assert_eq!(ran.stdout, "");
        let error = ran.error();
        let expected = format!("GET of page 1 of JW's webhooks: {said}");
        assert!(error.starts_with(&expected), "{expected}: {error}");
    }
    let behind_proxy = format!("{}/jw", jw.url());
    let list = Jwhook::of(&account, &jw, &["list"]).env("JW_API_URL", &behind_proxy);
    assert!(list.run(&jw).await.error().contains("JW answered 405"));
    assert!(jw.state().calls.iter().any(|call| call.path.starts_with("/jw/v2/webhooks/?page=1")));
}
