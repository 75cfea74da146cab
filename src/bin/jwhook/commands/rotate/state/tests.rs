use serde_json::{Value, json};

use super::*;

const ENDPOINT: &str = "https://abc123.execute-api.eu-west-1.amazonaws.com/webhooks/jwplayer";
const PARKED: &str = "https://jwhook.invalid/replaces/c0Y6ebVU";

fn webhook(id: &str, members: Value) -> Webhook {
    let mut webhook = json!({
        "id": id,
        "created": "2026-01-02T03:04:05.678901+00:00",
        "metadata": {
            "name": "newsroom",
            "webhook_url": ENDPOINT,
            "events": ["media_available", "media_deleted"],
            "site_ids": ["jsPxIVHl", "9KboGBFu"],
        },
    });
    for (name, value) in members.as_object().unwrap() {
        match name.as_str() {
            "created" => webhook["created"] = value.clone(),
            _ => webhook["metadata"][name] = value.clone(),
        }
    }
    serde_json::from_value(webhook).unwrap()
}

fn old() -> Option<Webhook> {
    Some(webhook("c0Y6ebVU", json!({})))
}

fn found(old: Option<Webhook>, others: &[(&str, Value)], keys: &[&str]) -> String {
    let others = others.iter().map(|(id, members)| webhook(id, members.clone())).collect();
    let key = |id: &str| {
        if keys.contains(&id) { KeyStatus::InRing } else { KeyStatus::Missing }
    };
    let ids = |webhooks: Vec<Webhook>| {
        webhooks.into_iter().map(|webhook| webhook.id).collect::<Vec<_>>().join(" ")
    };
    match judge("c0Y6ebVU", old, others, &Endpoint::new(ENDPOINT.into(), []), key) {
        Ok(Found::Begin { orphans, .. }) => format!("begin, orphans: {}", ids(orphans)),
        Ok(Found::Parked { new, orphans, .. }) => {
            format!("parked: {}, orphans: {}", new.id, ids(orphans))
        }
        Ok(Found::Live { new, .. }) => format!("live: {}", new.id),
        Ok(Found::Gone { heirs }) => format!("gone, heirs: {}", ids(heirs)),
        Err(error) => error.to_string(),
    }
}

#[test]
fn live_replacement_has_the_same_settings_and_is_not_older() {
    let cases = [
        (json!({}), "live: new00001"),
        (json!({"created": "2026-01-02T03:04:06Z"}), "live: new00001"),
        (json!({"created": "2026-01-02T04:04:05+01:00"}), "begin, orphans: "),
        (json!({"description": null}), "live: new00001"),
        (json!({"events": ["media_deleted", "media_available"]}), "live: new00001"),
        (json!({"site_ids": ["9KboGBFu", "jsPxIVHl"]}), "live: new00001"),
        (json!({"name": "sports"}), "begin, orphans: "),
        (json!({"description": "other"}), "begin, orphans: "),
        (json!({"events": ["media_available"]}), "begin, orphans: "),
        (json!({"site_ids": ["jsPxIVHl"]}), "begin, orphans: "),
        (json!({"webhook_url": "https://hooks.zapier.com/1"}), "begin, orphans: "),
    ];
    for (members, expected) in cases {
        let others = [("new00001", members.clone())];
        assert_eq!(found(old(), &others, &["c0Y6ebVU", "new00001"]), expected, "{members}");
        assert_eq!(found(old(), &others, &["c0Y6ebVU"]), "begin, orphans: ", "no key: {members}");
    }
}

#[test]
fn parked_replacement_without_a_key_is_an_orphan() {
    let parked = json!({"webhook_url": PARKED});
    let others = [("new00001", parked.clone()), ("new00002", parked), ("twin0001", json!({}))];
    let keys = ["c0Y6ebVU", "new00002", "twin0001"];
    assert_eq!(found(old(), &others, &keys), "parked: new00002, orphans: new00001");
    assert_eq!(found(None, &others, &keys), "parked: new00002, orphans: new00001");
    assert_eq!(found(old(), &others[..2], &["c0Y6ebVU"]), "begin, orphans: new00001 new00002");
    let elsewhere = json!({"webhook_url": "https://jwhook.invalid/replaces/7Rav0hC5"});
    let keys = ["c0Y6ebVU", "new00001"];
    assert_eq!(found(old(), &[("new00001", elsewhere)], &keys), "begin, orphans: ");
}

#[test]
fn several_possible_replacements_are_an_error() {
    for url in [ENDPOINT, PARKED] {
        let member = json!({ "webhook_url": url });
        let others = [("new00001", member.clone()), ("new00002", member)];
        let said = found(old(), &others, &["c0Y6ebVU", "new00001", "new00002"]);
        assert!(said.starts_with("webhooks new00001, new00002 could each be"), "{said}");
    }
}

#[test]
fn deleted_webhook_without_a_replacement_is_an_error() {
    let others = [("new00001", json!({})), ("7Rav0hC5", json!({"name": "sports"}))];
    let heirs = found(None, &others, &["c0Y6ebVU", "new00001", "7Rav0hC5"]);
    assert_eq!(heirs, "gone, heirs: new00001 7Rav0hC5");
    let alone = found(None, &others, &["c0Y6ebVU"]);
    assert!(alone.contains("was deleted at JW without a replacement"), "{alone}");
    let unknown = found(None, &others, &["new00001"]);
    assert!(
        unknown.starts_with("JW has no webhook c0Y6ebVU, and the ring has no key"),
        "{unknown}"
    );
}

#[test]
fn webhook_that_cannot_be_rotated_is_an_error_with_advice() {
    let with = |members: Value| Some(webhook("c0Y6ebVU", members));
    let keyless = found(old(), &[], &[]);
    assert!(keyless.contains("the function accepts none of its events"), "{keyless}");
    let other = found(with(json!({"webhook_url": "https://example.com/"})), &[], &["c0Y6ebVU"]);
    assert!(other.starts_with("webhook c0Y6ebVU calls https://example.com/, but"), "{other}");
    let parked = json!({"webhook_url": "https://jwhook.invalid/replaces/7Rav0hC5"});
    let parked = found(with(parked), &[], &["c0Y6ebVU"]);
    assert!(parked.contains("the replacement of 7Rav0hC5; run jwhook rotate 7Rav0hC5"), "{parked}");
}
