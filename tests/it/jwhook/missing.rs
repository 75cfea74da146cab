//! `jwhook missed`: finds media whose events never reached the queue.

mod reading;
mod window;

use super::support::{Account, JwApi, Jwhook, Ran, Until, medium, webhook, written};
use crate::support::{Aws, Delivery, Function, Reply, SendMessage, at, event};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

const SITE: &str = "jsPxIVHl";
const EVENTS: [&str; 3] = ["media_created", "conversions_complete", "media_available"];

fn ago(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() - Duration::minutes(minutes)
}

/// A webhook that was created last week and subscribes to all events that `missed` can check.
fn caller(id: &str) -> Value {
    let mut webhook = webhook(id, "Newsroom");
    webhook["created"] = json!(written(ago(7 * 24 * 60)));
    webhook["metadata"]["events"] = json!(EVENTS);
    webhook
}

/// A video that was created this many minutes ago.
fn video(id: &str, minutes: i64) -> Value {
    medium(id, &format!("Video {id}"), ago(minutes))
}

/// The function's log line for an event that it queued.
fn accepted(event: &str, media_id: &str) -> String {
    let line = json!({
        "Accepted": 1, "outcome": "accepted", "reason": "none", "request_id": "r",
        "event": event, "media_id": media_id, "webhook_id": "c0Y6ebVU",
    });
    line.to_string()
}

/// The log lines for all three events of these media.
fn all_accepted(media_ids: &[&str]) -> Vec<String> {
    let lines = |media_id: &&str| EVENTS.map(|event| accepted(event, media_id));
    media_ids.iter().flat_map(lines).collect()
}

/// The function's log line for a refused event with these members.
fn refused(reason: &str, event: Value) -> String {
    let mut line = json!({
        "Accepted": 0, "Refused": 1, "outcome": "refused", "reason": reason, "request_id": "r",
    });
    let members = event.as_object().unwrap().clone();
    line.as_object_mut().unwrap().extend(members);
    line.to_string()
}

struct Scene {
    account: Account,
    jw: JwApi,
}

impl Scene {
    async fn with(webhooks: impl IntoIterator<Item = Value>, media: Vec<Value>) -> Self {
        let jw = JwApi::start(webhooks).await;
        jw.state().media.insert(SITE.into(), media);
        Self { account: Account::start("{}").await, jw }
    }

    async fn log(&self, lines: &[String]) {
        self.account.log(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    async fn missed(&self, arguments: &[&str]) -> Ran {
        let arguments = [&["missed"], arguments].concat();
        Jwhook::of(&self.account, &self.jw, &arguments).run(&self.jw).await
    }

    /// The JSON output of a run that ended with this exit code.
    async fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let ran = self.missed(&[arguments, &["--output", "json"]].concat()).await;
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }
}

/// Each finding's event, media ID and reason.
fn found(document: &Value, member: &str) -> Vec<[String; 3]> {
    let findings = document[member].as_array().unwrap().iter();
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
    let found =
        findings.map(|finding| ["event", "media_id", "reason"].map(|member| text(finding, member)));
    found.collect()
}

#[tokio::test]
async fn missed_reports_exactly_the_three_media_with_missing_events() {
    let id = |number: usize| format!("vid{number:05}");
    let media = (0..1_000).map(|number| video(&id(number), 16 + number as i64));
    let older = (0..150).map(|number| video(&format!("old{number:05}"), 25 * 60 + number));
    let scene = Scene::with([caller("c0Y6ebVU")], media.chain(older).collect()).await;

    // one undelivered and one stale event, with log lines from the real function
    let aws = Aws::start().await;
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    let function = Function::of(&aws).env("MAX_EVENT_AGE_SECONDS", "60").start().await;
    let now = event(json!({"media_id": id(500), "event_time": at(0)}));
    let failed = function.invoke(&Delivery::of(now)).await;
    assert_eq!(failed.verdict(), "503 queue_refused");
    let old = event(json!({"media_id": id(998)}));
    let stale = function.invoke(&Delivery::of(old)).await;
    assert_eq!(stale.verdict(), "401 event_stale");
    let undelivered = function.undelivered().remove(0);
    let undelivered = json!({"undelivered": undelivered, "part": 1, "parts": 1});

    let (undelivered_id, stale_id, gone_id) = (id(500), id(998), id(7));
    let arrived = (0..1_000).map(id).flat_map(|id| EVENTS.map(|event| (event, id.clone())));
    let arrived = arrived.filter(|(event, id)| {
        let is_available = *event == "media_available";
        *id != gone_id && !(is_available && (*id == undelivered_id || *id == stale_id))
    });
    let mut lines: Vec<String> = arrived.map(|(event, id)| accepted(event, &id)).collect();
    lines.extend(["START RequestId: 1".to_owned(), failed.log.to_string()]);
    lines.extend([stale.log.to_string(), undelivered.to_string()]);
    scene.log(&lines).await;

    let ran = scene.missed(&[]).await;
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert_eq!(ran.stderr, "", "the run waited for JW's rate limit");
    assert_eq!(scene.jw.count(Until::Performed, "GET"), 12); // the webhooks, and 11 pages
    assert_eq!(scene.jw.changes(), []);
    assert!(!scene.account.calls().contains(&"SendMessage".to_owned()));
    let rows: Vec<Vec<&str>> =
        ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["EVENT", "MEDIUM", "TITLE", "SITE", "CREATED", "REASON"]);
    let row = |row: &[&str]| [row[0].to_owned(), row[1].to_owned(), row[6..].join(" ")];
    let expected = [
        ["media_created", &gone_id, "no trace"],
        ["conversions_complete", &gone_id, "no trace"],
        ["media_available", &gone_id, "no trace"],
        ["media_available", &undelivered_id, "undelivered"],
        ["media_available", &stale_id, "stale"],
    ];
    assert_eq!(rows[1..6].iter().map(|it| row(it)).collect::<Vec<_>>(), expected);
    assert_eq!(rows[6], [""; 0]);
    for (summary, line) in [
        ("events: 3000; arrived: 2995; missing: 5; pending: 0; unknown: 0", 7),
        (
            "events held now: 0, and dead-lettered: 0; requests refused in this time: 1 (1 event_st",
            8,
        ),
        ("undelivered: run jwhook recover to send", 9),
        (
            "events with the reason stale or no trace cannot be sent again: ask JW's API for each \
             medium, for example GET /v2/sites/jsPxIVHl/media/vid00007/",
            10,
        ),
    ] {
        assert!(ran.stdout.lines().nth(line).unwrap().contains(summary), "{ran:#?}");
    }
    assert_eq!(ran.stdout.lines().count(), 12, "{ran:#?}"); // the last line is about refused events
    assert!(ran.stdout.contains(": 1000; older than every webhook: 0; events"), "{ran:#?}");

    let document = scene.json(1, &[]).await;
    assert_eq!(found(&document, "missing"), expected);
    let finding = &document["missing"][0];
    assert_eq!(finding["title"], "Video vid00007");
    assert_eq!(finding["site_id"], SITE);
    assert_eq!(finding["created"].as_str().unwrap().len(), "2026-11-23T20:00:00+00:00".len());
    assert_eq!(document["arrived"], 2_995);
    assert_eq!(document["sites"], json!([{"site_id": SITE, "media": 1_000}]));
    assert_eq!(document["refused"], json!({"event_stale": 1}));
    assert_eq!([&document["held"], &document["held_dead_lettered"]], [0, 0]);
    for none in ["unknown", "pending", "incomplete"] {
        assert_eq!(document[none], json!([]), "{none}");
    }
}

#[tokio::test]
async fn exit_code_is_0_if_all_events_arrived() {
    let media = vec![video("first000", 30), video("second00", 20)];
    let scene = Scene::with([caller("c0Y6ebVU")], media).await;
    scene.log(&all_accepted(&["first000", "second00"])).await;
    let stdout = scene.missed(&[]).await.done();
    let counts = ": 2; older than every webhook: 0; events: 6; arrived: 6; missing: 0; pending: 0; unknown: 0\n";
    assert!(stdout.starts_with("media since ") && stdout.contains(counts), "{stdout}");
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
}

#[tokio::test]
async fn event_delivered_by_any_webhook_counts_as_arrived() {
    // the log lines name c0Y6ebVU, and the event of the other webhook was lost
    let scene =
        Scene::with([caller("c0Y6ebVU"), caller("7Rav0hC5")], vec![video("first000", 30)]).await;
    scene.log(&all_accepted(&["first000"])).await;
    let document = scene.json(0, &[]).await;
    assert_eq!(document["arrived"], 3);
}

#[tokio::test]
async fn only_subscribed_events_can_be_missing() {
    let mut one = caller("c0Y6ebVU");
    one["metadata"]["events"] = json!(["media_updated", "media_created"]);
    let mut other = caller("7Rav0hC5"); // calls another stack
    other["metadata"]["webhook_url"] = json!("https://example.com/");
    let scene = Scene::with([one, other], vec![video("first000", 30)]).await;
    let document = scene.json(1, &[]).await;
    assert_eq!(found(&document, "missing"), [["media_created", "first000", "no trace"]]);
}

#[tokio::test]
async fn events_of_recent_media_are_pending() {
    let scene = Scene::with([caller("c0Y6ebVU")], vec![video("first000", 10)]).await;
    scene.log(&[accepted("media_created", "first000")]).await;
    let document = scene.json(0, &[]).await;
    let expected = ["conversions_complete", "media_available"];
    assert_eq!(found(&document, "pending"), expected.map(|event| [event, "first000", "pending"]));
    assert_eq!(document["arrived"], 1);
    for settle in ["9m", "540"] {
        let document = scene.json(1, &["--settle", settle]).await;
        assert_eq!(
            found(&document, "missing"),
            expected.map(|event| [event, "first000", "no trace"])
        );
    }
}

#[tokio::test]
async fn unknown_events_are_listed_and_do_not_change_the_exit_code() {
    let mut scheduled = video("first000", 60);
    scheduled["metadata"]["publish_start_date"] = json!(written(ago(40)));
    let scene = Scene::with([caller("c0Y6ebVU")], vec![scheduled]).await;
    scene.log(&all_accepted(&["first000"])[..2]).await;
    let document = scene.json(0, &[]).await;
    let why = "the publish start is later than the creation";
    assert_eq!(found(&document, "unknown"), [["media_available", "first000", why]]);
    let stdout = scene.missed(&[]).await.done();
    assert!(stdout.trim_start().starts_with("EVENT") && stdout.contains("UNKNOWN WHY"), "{stdout}");
    assert!(stdout.contains(why) && stdout.contains("missing: 0; pending: 0; unknown: 1"));

    scene.log(&all_accepted(&["first000"])[2..]).await;
    let document = scene.json(0, &[]).await;
    assert_eq!((&document["arrived"], &document["unknown"]), (&json!(3), &json!([])));
}

#[tokio::test]
async fn media_older_than_the_webhook_are_not_reported_as_missing() {
    let mut young = caller("c0Y6ebVU");
    young["created"] = json!(written(ago(60)));
    let media = vec![video("first000", 61), video("second00", 59)];
    let scene = Scene::with([young], media.clone()).await;
    let document = scene.json(1, &[]).await;
    assert_eq!(found(&document, "missing"), EVENTS.map(|event| [event, "second00", "no trace"]));

    let mut ageless = caller("c0Y6ebVU");
    ageless["created"] = json!(null);
    let scene = Scene::with([ageless], media).await;
    let ran = scene.missed(&["--output", "json"]).await;
    assert!(ran.stderr.contains("JW does not say when webhook c0Y6ebVU was created"), "{ran:#?}");
    let document = ran.json();
    assert_eq!(found(&document, "unknown").len(), 6);
    assert_eq!(document["older_than_webhooks"], 0);
    assert_eq!(document["unknown"][0]["reason"], "the webhook's age is not known");
}
