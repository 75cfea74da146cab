//! Listing webhooks while the API breaks connections, repeats pages and returns other people's
//! webhooks.

use super::super::support::{JwApi, Jwhook, Meet, webhook};
use super::{account, api, statuses};
use serde_json::{Value, json};

fn page(ids: std::ops::Range<usize>) -> Meet {
    let webhooks: Vec<Value> =
        ids.map(|number| webhook(&format!("w{number:07}"), "of a page")).collect();
    let page = json!({"page": 1, "page_length": 100, "webhooks": webhooks});
    Meet::Answer(200, page.to_string().leak())
}

#[tokio::test]
async fn list_and_create_work_if_jw_closes_reused_connections() {
    let account = account().await;
    let jw = JwApi::start((0..250).map(|n| webhook(&format!("w{n:07}"), "one of many"))).await;
    jw.close_at_second_request();
    let list = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await.json();
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 250);
    let create = "create --name n --event media_available --site jsPxIVHl --settle 0 --yes";
    let create: Vec<&str> = create.split(' ').collect();
    Jwhook::of(&account, &jw, &create).run(&jw).await.done();
    assert_eq!(jw.secret("new00001").len(), 66);
}

#[tokio::test]
async fn idempotent_call_without_a_response_is_retried_twice() {
    let (account, jw) = (account().await, api().await);
    for method in ["GET", "PATCH", "DELETE"] {
        for _ in 0..2 {
            jw.next(method, Meet::DoneThenClose);
        }
    }
    Jwhook::of(&account, &jw, &["list"]).run(&jw).await.done();
    let update = ["update", "c0Y6ebVU", "--name", "other"];
    Jwhook::of(&account, &jw, &update).run(&jw).await.done();
    Jwhook::of(&account, &jw, &["delete", "c0Y6ebVU", "--yes"]).run(&jw).await.done();
    let methods: Vec<String> = jw.changes().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["PATCH", "PATCH", "PATCH", "DELETE", "DELETE", "DELETE"]);

    for _ in 0..3 {
        jw.next("GET", Meet::Close);
    }
    let error = Jwhook::of(&account, &jw, &["list"]).run(&jw).await.error();
    assert!(error.starts_with("GET of page 1 of JW's webhooks: no response from JW"), "{error}");
}

#[tokio::test]
async fn list_continues_after_short_pages_and_drops_duplicates() {
    let (account, jw) = (account().await, api().await);
    for ids in [0..100, 99..130, 130..131, 130..131, 131..140, 0..0] {
        jw.next("GET", page(ids));
    }
    let list = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await.json();
    let ids = list["webhooks"].as_array().unwrap().iter().map(|webhook| &webhook["id"]);
    let expected: Vec<String> = (0..140).map(|number| format!("w{number:07}")).collect();
    assert_eq!(ids.collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn endlessly_repeating_list_is_an_error() {
    let (account, jw) = (account().await, api().await);
    for _ in 0..10 {
        jw.next("GET", page(0..100));
    }
    let error = Jwhook::of(&account, &jw, &["list"]).run(&jw).await.error();
    assert!(
        error.starts_with("JW's list of webhooks does not end: JW has listed 100 webhooks"),
        "{error}"
    );

    let jw = api().await;
    for _ in 0..10 {
        jw.next("GET", Meet::Answer(200, r#"{"webhooks":[{"id":null},{"id":"c0Y6ebVU"}]}"#));
    }
    let error = Jwhook::of(&account, &jw, &["list"]).run(&jw).await.error();
    assert!(
        error.starts_with("JW's list of webhooks does not end: JW has listed 2 webhooks"),
        "{error}"
    );
}

#[tokio::test]
async fn malformed_webhooks_of_others_are_listed_and_left_unchanged() {
    let account = account().await;
    let odd = [
        json!({"id": "bare0000"}),
        json!({"id": "null0000", "metadata": null, "created": null}),
        json!({"id": "nulls000", "metadata": {
            "name": null, "description": null, "webhook_url": null, "events": null, "site_ids": null,
        }}),
        json!({"id": "types000", "metadata": {"name": 1, "events": "all", "site_ids": [null, 2]}}),
        json!({"id": null, "metadata": {"name": "without an id"}}),
        json!({"metadata": ["a list"]}),
        json!(null),
    ];
    let number = odd.len();
    let jw = JwApi::start(odd.into_iter().chain([webhook("c0Y6ebVU", "Newsroom")])).await;
    let ran = Jwhook::of(&account, &jw, &["list", "--output", "json"]).run(&jw).await;
    let listed = statuses(ran);
    assert_eq!(listed[0], json!(["bare0000", "missing", false]));
    assert_eq!(listed[number], json!(["c0Y6ebVU", "in_ring", true]));
    let table = Jwhook::of(&account, &jw, &["list"]).run(&jw).await.done();
    assert!(table.contains("without an id"), "{table}");

    let before = jw.webhooks()[..number].to_vec();
    let create = "create --name n --event media_available --site jsPxIVHl --settle 0 --yes";
    let create: Vec<&str> = create.split(' ').collect();
    Jwhook::of(&account, &jw, &create).run(&jw).await.done();
    assert_eq!(jw.webhooks()[..number], before);
}

#[tokio::test]
async fn list_ends_quietly_if_its_output_pipe_is_closed() {
    let (account, jw) = (account().await, api().await);
    let noted =
        "the ring has a key for webhook gone0000, but JW has no such webhook: run jwhook doctor\n";
    for (command, noted) in [
        (&["list"][..], noted),
        (&["list", "--output", "json"], noted),
        (&["show", "c0Y6ebVU"], ""),
    ] {
        let ran = Jwhook::of(&account, &jw, command).spawn().without_reader().end(&jw).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(141), noted), "{command:?}");
    }
}
