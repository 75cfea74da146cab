//! Compares JW's webhooks with the keys in the ring and with the endpoint.

use super::{
    ACCEPTED, Account, JwApi, doctor, findings, other_webhook, said, webhook, working_setup,
};
use crate::support::{OTHER_SECRET, SECRET};
use serde_json::{Value, json};

#[tokio::test]
async fn webhook_without_a_key_is_reported() {
    let (account, jw) = working_setup().await;
    jw.state().webhooks.push({
        let mut lost = webhook("lost0000", "Lost");
        lost["metadata"]["events"] = json!(["media_created"]);
        lost
    });
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["fail webhooks"]);
    let said = said(&ran, "webhooks");
    assert!(
        said.starts_with("webhook lost0000 calls the endpoint, but the ring has no usable key"),
        "{said}"
    );
    assert!(said.ends_with("jwhook delete lost0000, then create the webhook again"), "{said}");
}

#[tokio::test]
async fn every_problem_with_keys_is_reported() {
    let (account, jw) = working_setup().await;
    for (secret, findings_of_it, check, expected) in [
        (
            json!({"c0Y6ebVU": SECRET, "7Rav0hC5": "short"}).to_string(),
            vec!["fail keys", "fail webhooks"],
            "keys",
            "entry 7Rav0hC5 is disabled: the key is shorter than 32 bytes; the function answers 503",
        ),
        (
            json!({"c0Y6ebVU": SECRET, "7Rav0hC5": OTHER_SECRET, "gone0000": SECRET}).to_string(),
            vec!["warn ring"],
            "ring",
            "a key for webhook gone0000, but JW has no such webhook; jwhook delete gone0000 removes the key",
        ),
        (
            json!({"placeholder": SECRET}).to_string(),
            vec!["warn keys", "fail webhooks", "fail webhooks"],
            "keys",
            "no webhook has a key yet; create a webhook: jwhook create",
        ),
        (
            SECRET.to_owned(),
            vec!["warn keys", "fail webhooks"],
            "webhooks",
            "2 webhooks call the endpoint, but the secret's single key belongs to at most one",
        ),
        (
            "[]".to_owned(),
            vec!["fail keys", "skip ring", "skip webhooks"],
            "keys",
            "the function answers 503 to every event: the value begins like JSON",
        ),
        (
            "too short".to_owned(),
            vec!["fail keys", "skip ring", "skip webhooks"],
            "keys",
            "the secret cannot be used: the key is shorter than 32 bytes; repair the value",
        ),
        (
            json!({"c0Y6ebVU": SECRET, "7Rav0hC5": OTHER_SECRET, SECRET: SECRET}).to_string(),
            vec!["warn keys"],
            "keys",
            "entry number 3 verifies no event: the name is not a webhook id; rename this entry",
        ),
        (
            json!({"c0Y6ebVU": SECRET, "7Rav0hC5": format!("{OTHER_SECRET} ")}).to_string(),
            vec!["fail keys", "fail webhooks"],
            "keys",
            "entry 7Rav0hC5 is disabled: the key contains white space; the function answers 503",
        ),
        (
            format!("{SECRET} "),
            vec!["fail keys", "skip ring", "skip webhooks"],
            "keys",
            "the secret cannot be used: the key contains white space; repair the value",
        ),
        (
            json!({"JW_WEBHOOK_SECRET": SECRET}).to_string(),
            vec!["warn keys", "warn keys", "fail webhooks", "fail webhooks"],
            "keys",
            "entry number 1 verifies no event: the name is not a webhook id",
        ),
        (
            json!({"c0Y6ebVU": "short"}).to_string(),
            vec!["fail keys", "fail keys", "skip ring", "skip webhooks"],
            "keys",
            "entry c0Y6ebVU is disabled: the key is shorter than 32 bytes",
        ),
    ] {
        account.set_secret(&secret).await;
        let ran = doctor(&account, &jw).await;
        assert_eq!(findings(&ran), findings_of_it, "{ran:?}");
        let said = said(&ran, check);
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn single_key_for_one_webhook_is_a_warning() {
    let account = Account::start(SECRET).await;
    account.log(&[ACCEPTED]).await;
    let jw = JwApi::start([webhook("c0Y6ebVU", "Newsroom")]).await;
    let ran = doctor(&account, &jw).await;
    assert_eq!(findings(&ran), ["warn keys"]);
    assert!(said(&ran, "keys").contains("turn the single key into a key ring"));
}

#[tokio::test]
async fn every_problem_with_webhooks_is_reported() {
    let (account, jw) = working_setup().await;
    let (first, second) = (webhook("c0Y6ebVU", "Newsroom"), other_webhook("7Rav0hC5"));
    let with = |member: &str, value: Value| {
        let mut changed = second.clone();
        changed["metadata"][member] = value;
        vec![first.clone(), changed]
    };
    let same = json!(["conversions_complete", "media_available"]);
    for (webhooks, findings_of_it, check, expected) in [
        (
            with("events", same),
            vec!["warn duplicates"],
            "duplicates",
            "webhooks c0Y6ebVU and 7Rav0hC5 send the same events",
        ),
        (
            with("events", json!([])),
            vec!["fail settings"],
            "settings",
            "7Rav0hC5 has no event, so it sends nothing; jwhook update 7Rav0hC5 --event",
        ),
        (with("site_ids", json!([])), vec!["fail settings"], "settings", "7Rav0hC5 has no site"),
        (
            with("webhook_url", json!("https://a.example/")),
            vec!["warn ring"],
            "ring",
            "7Rav0hC5 calls https://a.example/",
        ),
        (
            with("webhook_url", json!("https://jwhook.invalid/replaces/c0Y6ebVU")),
            vec!["warn ring"],
            "ring",
            "7Rav0hC5 should replace c0Y6ebVU, but is still parked; a rotation was interrupted: run jwhook rotate c0Y6ebVU to continue",
        ),
        (
            {
                let mut lost = second.clone();
                lost["id"] = json!("lost0000");
                lost["metadata"]["webhook_url"] = json!("https://jwhook.invalid/replaces/c0Y6ebVU");
                vec![first.clone(), second.clone(), lost]
            },
            vec!["warn ring"],
            "ring",
            "lost0000 was created to replace c0Y6ebVU, but the key of lost0000 is lost; a rotation was interrupted: run jwhook rotate c0Y6ebVU, which deletes lost0000",
        ),
        (
            vec![],
            vec!["warn ring", "warn ring", "warn webhooks"],
            "webhooks",
            "so no events arrive; create a webhook: jwhook create",
        ),
    ] {
        jw.state().webhooks = webhooks;
        let ran = doctor(&account, &jw).await;
        assert_eq!(findings(&ran), findings_of_it, "{ran:?}");
        let said = said(&ran, check);
        assert!(said.contains(expected), "{said}");
    }
}
