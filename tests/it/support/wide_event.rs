//! The wide event: the contract's rules for every such line, and the rules of CloudWatch's embedded
//! metric format.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

/// All members that a wide event may have at the top level.
const MEMBERS: [&str; 24] = [
    "_aws",
    "FunctionName",
    "Accepted",
    "Refused",
    "Held",
    "Failed",
    "Lost",
    "Duration",
    "EventAge",
    "outcome",
    "reason",
    "status",
    "source",
    "request_id",
    "duration_ms",
    "secret_age_s",
    "event_id",
    "event",
    "webhook_id",
    "site_id",
    "media_id",
    "channel_id",
    "event_age_ms",
    "message_id",
];

/// The members that only a verified event may have.
const OF_AN_EVENT: [&str; 8] = [
    "event_id",
    "event",
    "webhook_id",
    "site_id",
    "media_id",
    "channel_id",
    "event_age_ms",
    "message_id",
];

/// Reasons that the function finds before it verifies the signature. A line with one of these
/// reasons must not contain any claims.
const UNVERIFIED: [&str; 11] = [
    "method_not_allowed",
    "body_too_large",
    "content_encoding_unsupported",
    "authorization_missing",
    "authorization_malformed",
    "token_malformed",
    "algorithm_not_allowed",
    "secret_unavailable",
    "secret_invalid",
    "webhook_unknown",
    "signature_invalid",
];

const COUNTS: [(&str, &str); 4] =
    [("accepted", "Accepted"), ("refused", "Refused"), ("held", "Held"), ("failed", "Failed")];

/// If the line is a wide event of this invocation, returns the event.
pub fn of(line: &str, request_id: &str) -> Option<Value> {
    if !line.contains(request_id) {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    (value["request_id"] == request_id && value.get("outcome").is_some()).then_some(value)
}

/// Checks the line of a request or of a held record.
#[track_caller]
pub fn check(log: &Value) {
    let members = log.as_object().expect("an object");
    for name in members.keys() {
        assert!(MEMBERS.contains(&name.as_str()), "not a member in the contract: {name}: {log}");
    }
    let folded: BTreeSet<_> = members.keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(folded.len(), members.len(), "two members differ only in case: {log}");

    let text = |name: &str| log[name].as_str().unwrap_or_else(|| panic!("{name}: {log}"));
    let (outcome, reason, source) = (text("outcome"), text("reason"), text("source"));
    assert_eq!(outcome == "accepted", reason == "none", "{log}");
    assert!(!text("request_id").is_empty() && log["duration_ms"].is_number(), "{log}");
    match source {
        "webhook" => assert!(log["status"].is_u64(), "{log}"),
        "held_queue" => assert!(!members.contains_key("status"), "{log}"),
        _ => panic!("not a source in the contract: {log}"),
    }
    let age = &log["secret_age_s"];
    assert!(age.is_null() || age.is_u64(), "{log}");
    if UNVERIFIED.contains(&reason) {
        for name in OF_AN_EVENT {
            assert!(log[name].is_null(), "{name}: {log}");
        }
    }
    assert_eq!(log["message_id"].is_string(), outcome == "accepted", "{log}");
    assert!(outcome != "accepted" || log["event_id"].is_string(), "{log}");

    if (outcome, source) == ("held", "held_queue") {
        let metric = COUNTS.iter().map(|(_, name)| *name).chain(["_aws", "Lost"]);
        for name in metric {
            assert!(!members.contains_key(name), "a held record that stays has no metric: {log}");
        }
    } else {
        check_metrics(log, outcome, reason);
    }
}

/// The embedded metric format (CloudWatch User Guide), with the contract's two directives.
#[track_caller]
fn check_metrics(log: &Value, outcome: &str, reason: &str) {
    let now = UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    let timestamp = log["_aws"]["Timestamp"].as_u64().expect("milliseconds");
    assert!(u128::from(timestamp).abs_diff(now) < 60_000, "{log}");
    let [all, by_reason] =
        log["_aws"]["CloudWatchMetrics"].as_array().expect("directives").as_slice()
    else {
        panic!("two directives: {log}");
    };
    assert_eq!(log["FunctionName"], "jw-forwarder");
    let (_, count) = COUNTS
        .into_iter()
        .find(|(of, _)| *of == outcome)
        .unwrap_or_else(|| panic!("not an outcome in the contract: {log}"));

    let lost = !log["Lost"].is_null();
    let mut expected = BTreeSet::from(["Accepted", count, "Duration"]);
    expected.extend(lost.then_some("Lost"));
    expected.extend(log["event_age_ms"].is_number().then_some("EventAge"));
    let metrics = all["Metrics"].as_array().expect("metrics");
    let named: BTreeSet<_> =
        metrics.iter().map(|metric| metric["Name"].as_str().expect("a name")).collect();
    assert_eq!((&named, metrics.len()), (&expected, expected.len()), "{log}");
    for metric in metrics {
        let milliseconds = ["Duration", "EventAge"].contains(&metric["Name"].as_str().unwrap());
        let unit = if milliseconds { "Milliseconds" } else { "Count" };
        assert_eq!(metric["Unit"], unit, "{log}");
    }
    assert_eq!(all["Namespace"], "JwWebhookForwarder");
    assert_eq!(all["Dimensions"], json!([["FunctionName"]]));

    assert_eq!(by_reason["Namespace"], "JwWebhookForwarder");
    assert_eq!(by_reason["Dimensions"], json!([["FunctionName", "reason"]]));
    assert_eq!(by_reason["Metrics"], json!([{"Name": count, "Unit": "Count"}]), "{log}");

    for (of, name) in COUNTS {
        let value = match name {
            _ if of == outcome => json!(1),
            "Accepted" => json!(0),
            _ => Value::Null,
        };
        assert_eq!(log[name], value, "{name}: {log}");
    }
    assert_eq!(log["Duration"], log["duration_ms"], "{log}");
    assert_eq!(log["EventAge"], log["event_age_ms"], "{log}");
    if lost {
        assert_eq!((&log["Lost"], outcome), (&json!(1), "failed"), "{log}");
        assert!(["secret_unavailable", "secret_invalid"].contains(&reason), "{log}");
    }
}
