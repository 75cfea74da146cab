use serde_json::{Value, json};

use super::*;

const ENDPOINT: &str = "https://example.com/webhooks/jwplayer";
const ELSEWHERE: &str = "https://example.org/";

fn webhook(id: &str, name: &str, url: &str) -> Webhook {
    let metadata =
        json!({"name": name, "webhook_url": url, "events": ["e", "f"], "site_ids": ["s"]});
    serde_json::from_value(json!({"id": id, "metadata": metadata})).unwrap()
}

fn entry(name: &str, id: Option<&str>) -> Value {
    json!({"name": name, "id": id, "events": ["f", "e"], "site_ids": ["s"]})
}

fn plan(webhooks: &[Webhook], ring: &[&str], entries: Value) -> Result<Plan, String> {
    let ring: Vec<String> = ring.iter().map(|&id| id.to_owned()).collect();
    let entries: Vec<Entry> = serde_json::from_value(entries).unwrap();
    let current = Current { webhooks, ring: &ring, endpoint: &Endpoint::new(ENDPOINT.into(), []) };
    current.plan(&entries).map_err(|error| error.to_string())
}

fn steps(webhooks: &[Webhook], ring: &[&str], entries: Value) -> Vec<String> {
    let plan = plan(webhooks, ring, entries).unwrap();
    let first = |step: &Step| step.to_string().split([',', ':']).next().unwrap().to_owned();
    plan.steps.iter().map(first).collect()
}

#[test]
fn matching_webhook_is_unchanged_and_others_are_counted() {
    let there = [webhook("a", "A", ENDPOINT), webhook("z", "Zapier", ELSEWHERE)];
    let plan = plan(&there, &["a"], json!([entry("A", None)])).unwrap();
    assert_eq!((plan.steps.len(), &plan.unchanged[..], plan.left_alone), (0, &["a".into()][..], 1));
    assert_eq!(plan.text(), "No difference: 1 unchanged; 1 other webhook is left alone");
}

#[test]
fn plan_creates_first_and_deletes_last() {
    let there = [webhook("a", "A", ENDPOINT), webhook("b", "B", ENDPOINT)];
    let mut changed = entry("A", None);
    changed["events"] = json!(["e", "g"]);
    let plan = plan(&there, &["a", "gone", "b"], json!([changed, entry("C", None)])).unwrap();
    let text = plan.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "create \"C\"");
    assert_eq!(
        lines[4..7],
        ["change a (\"A\")", "    events: +g -f", "delete b (\"B\"), which is not in the file"]
    );
    assert!(lines[7].starts_with("remove the key of gone from the ring"), "{text}");
    assert_eq!(lines[8], "1 to create, 1 to change, 1 to delete, 0 unchanged");
}

#[test]
fn entry_with_an_id_matches_by_id_only() {
    let there = [webhook("a", "A", ENDPOINT), webhook("b", "B", ENDPOINT)];
    let renamed = json!([entry("B", Some("a")), entry("A", Some("b"))]);
    assert_eq!(steps(&there, &["a", "b"], renamed), ["change a (\"A\")", "change b (\"B\")"]);
    let freed = json!([entry("B", Some("b")), entry("A2", Some("a")), entry("A", None)]);
    assert_eq!(steps(&there, &["a", "b"], freed), ["create \"A\"", "change a (\"A\")"]);
}

#[test]
fn entry_whose_id_has_no_webhook_or_no_key_is_an_error() {
    let there = [webhook("a", "A", ENDPOINT), webhook("b", "B", ENDPOINT)];
    let error = plan(&there, &["b"], json!([entry("A", Some("a"))])).unwrap_err();
    assert!(error.contains("\"A\" the id a, but the key of this webhook is not in"), "{error}");
    let error = plan(&there, &["b"], json!([entry("A", Some("x"))])).unwrap_err();
    assert!(error.contains("\"A\" the id x, but JW has no webhook with this id"), "{error}");
}

#[test]
fn webhook_that_calls_another_url_is_changed_but_never_deleted() {
    let there = [webhook("a", "A", ELSEWHERE), webhook("b", "B", ELSEWHERE)];
    let plan = plan(&there, &["a", "b"], json!([entry("A", None)])).unwrap();
    let moved = format!("    webhook_url: \"{ELSEWHERE}\" -> \"{ENDPOINT}\"");
    assert!(plan.steps.len() == 1 && plan.text().contains(&moved), "{}", plan.text());
    assert!(plan.notes[0].contains("b (\"B\") is not in the file"));
}

#[test]
fn entry_prefers_the_webhook_that_calls_this_stack_if_two_have_its_name() {
    let there = [webhook("a", "A", ELSEWHERE), webhook("b", "A", ENDPOINT)];
    let plan = plan(&there, &["a", "b"], json!([entry("A", None)])).unwrap();
    assert_eq!(
        (plan.steps.len(), plan.notes.len(), &plan.unchanged[..]),
        (0, 1, &["b".into()][..])
    );
}

#[test]
fn entry_that_matches_two_webhooks_is_an_error() {
    for url in [ENDPOINT, ELSEWHERE] {
        let there = [webhook("a", "A", url), webhook("b", "A", url)];
        let error = plan(&there, &["a", "b"], json!([entry("A", None)])).unwrap_err();
        assert!(error.contains("2 webhooks have the name \"A\"") && error.contains("(a, b)"));
    }
    // while a rotation runs, two webhooks have the name. The webhook that is not in the file must not
    // be deleted
    let there = [webhook("a", "A", ENDPOINT), webhook("b", "A", ENDPOINT)];
    let error = plan(&there, &["a", "b"], json!([entry("A", Some("a"))])).unwrap_err();
    assert!(error.contains("b (\"A\") has the name of an entry in the file, but"), "{error}");
    let both = json!([entry("A", Some("a")), entry("A", Some("b"))]);
    assert_eq!(steps(&there, &["a", "b"], both), [""; 0]);
}

#[test]
fn webhook_without_a_key_is_noted_but_not_changed() {
    let there = [webhook("a", "A", ENDPOINT), webhook("b", "B", ENDPOINT)];
    let plan = plan(&there, &["b"], json!([entry("A", None), entry("B", None)])).unwrap();
    assert_eq!(plan.steps[0].to_string(), "create \"A\"");
    assert!(plan.notes.len() == 1 && plan.notes[0].contains("run jwhook delete a"), "{plan:?}");
    assert_eq!(plan.left_alone, 1);
}

#[test]
fn keys_stay_if_jw_has_no_webhook_of_any_key() {
    let there = [webhook("z", "Zapier", ELSEWHERE)];
    let plan = plan(&there, &["a", "b"], json!([])).unwrap();
    assert_eq!(plan.steps, []);
    assert!(plan.notes[0].contains("jwhook delete (a, b)"), "{plan:?}");
}

#[test]
fn webhook_that_calls_another_url_of_the_stack_is_unchanged() {
    let there = [webhook("a", "A", ELSEWHERE)];
    let endpoint = Endpoint::new(ENDPOINT.into(), [ELSEWHERE.into()]);
    let entries: Vec<Entry> = serde_json::from_value(json!([entry("A", None)])).unwrap();
    let current = Current { webhooks: &there, ring: &["a".to_owned()], endpoint: &endpoint };
    let plan = current.plan(&entries).unwrap();
    assert_eq!((plan.steps, plan.unchanged), (vec![], vec!["a".to_owned()]));
}
