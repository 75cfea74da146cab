use serde_json::json;

use super::Expected::{Pending, Sent, Unknown};
use super::*;

const SITE: &str = "jsPxIVHl";
const ALL: [&str; 3] = [MEDIA_CREATED, CONVERSIONS_COMPLETE, MEDIA_AVAILABLE];
const TIMES: Times = Times { now: OffsetDateTime::UNIX_EPOCH, settle: Duration::minutes(15) };

fn ago(minutes: i64) -> OffsetDateTime {
    TIMES.now - Duration::minutes(minutes)
}

fn caller(created: Option<OffsetDateTime>, site_id: &str, events: &[&str]) -> Caller {
    let webhook = json!({
        "id": "c0Y6ebVU",
        "created": created.map(moment::written),
        "metadata": {"site_ids": [site_id], "events": events},
    });
    Caller::of(&serde_json::from_value(webhook).unwrap())
}

/// A medium that became ready an hour ago.
fn ready() -> Medium {
    Medium {
        id: "UUhbHm6C".to_owned(),
        title: None,
        created: ago(90),
        last_modified: Some(ago(60)),
        is_ready: true,
        publish_start: Date::Unset,
        publish_end: Date::Unset,
    }
}

fn judged(medium: &Medium) -> Vec<(&'static str, Expected)> {
    events(medium, SITE, &[caller(Some(ago(10_000)), SITE, &ALL)], TIMES)
}

#[test]
fn ready_medium_has_caused_all_three_events() {
    assert_eq!(judged(&ready()), ALL.map(|event| (event, Sent)));
}

#[test]
fn medium_that_is_not_ready_has_caused_only_media_created() {
    let medium = Medium { is_ready: false, ..ready() };
    assert_eq!(judged(&medium), [(MEDIA_CREATED, Sent)]);
}

#[test]
fn event_is_pending_until_its_medium_has_settled() {
    for (created, modified, expected) in [
        (90, 15, [Sent, Sent, Sent]),
        (90, 14, [Sent, Pending, Pending]),
        (15, 14, [Sent, Pending, Pending]),
        (14, 14, [Pending, Pending, Pending]),
        (-1, -1, [Pending, Pending, Pending]), // JW's clock is ahead
    ] {
        let last_modified = Some(ago(modified));
        let medium = Medium { created: ago(created), last_modified, ..ready() };
        let judged: Vec<_> = judged(&medium).into_iter().map(|(_, expected)| expected).collect();
        assert_eq!(judged, expected, "created {created}, modified {modified} minutes ago");
    }
    let young = Medium { created: ago(14), is_ready: false, ..ready() };
    assert_eq!(judged(&young), ALL.map(|event| (event, Pending)));
}

#[test]
fn ready_medium_without_a_modification_time_has_caused_all_three_events() {
    let medium = Medium { last_modified: None, ..ready() };
    assert_eq!(judged(&medium), ALL.map(|event| (event, Sent)));
}

#[test]
fn media_available_is_certain_only_if_the_medium_was_publishable_from_its_creation() {
    let later = Unknown("the publish start is later than the creation");
    let to_come = Unknown("the publish start is in the future");
    let past = Unknown("the publish end has passed");
    let unreadable = Unknown("the publish dates cannot be read");
    let at = |minutes| Date::At(ago(minutes));
    for (start, end, expected) in [
        (Date::Unset, Date::Unset, Sent),
        (at(91), Date::Unset, Sent),
        (at(90), Date::Unset, Sent),
        (Date::At(ago(90) + ROUNDING), Date::Unset, Sent),
        (Date::At(ago(90) + ROUNDING + Duration::MICROSECOND), Date::Unset, later),
        (at(89), Date::Unset, later),
        (at(0), Date::Unset, later),
        (at(-1), Date::Unset, to_come),
        (Date::Unreadable, Date::Unset, unreadable),
        (Date::Unset, at(-1), Sent),
        (Date::Unset, at(0), past),
        (at(91), at(30), past),
        (at(80), at(30), later),
        (Date::Unset, Date::Unreadable, unreadable),
    ] {
        let medium = Medium { publish_start: start, publish_end: end, ..ready() };
        let judged = judged(&medium);
        assert_eq!(judged[2], (MEDIA_AVAILABLE, expected), "{start:?} to {end:?}");
        assert_eq!(judged[1], (CONVERSIONS_COMPLETE, Sent), "{start:?} to {end:?}");
    }
}

#[test]
fn events_are_expected_only_from_webhooks_that_subscribed_before_the_medium() {
    let unknown = Unknown("the webhook's age is not known");
    let both = [MEDIA_CREATED, MEDIA_AVAILABLE];
    let old = || Some(ago(90));
    let young = || Some(ago(89));
    for (callers, expected) in [
        (vec![], vec![]),
        (vec![caller(old(), SITE, &both)], both.map(|event| (event, Sent)).to_vec()),
        (vec![caller(old(), "another0", &both)], vec![]),
        (vec![caller(old(), SITE, &["media_updated"])], vec![]),
        (vec![caller(young(), SITE, &both)], vec![]),
        (vec![caller(None, SITE, &both)], both.map(|event| (event, unknown)).to_vec()),
        (
            vec![
                caller(None, SITE, &both),
                caller(None, SITE, &both),
                caller(young(), SITE, &both),
            ],
            both.map(|event| (event, unknown)).to_vec(),
        ),
        (
            vec![caller(None, SITE, &both), caller(old(), SITE, &[MEDIA_AVAILABLE])],
            vec![(MEDIA_CREATED, unknown), (MEDIA_AVAILABLE, Sent)],
        ),
        (
            vec![caller(young(), SITE, &both), caller(old(), SITE, &[MEDIA_CREATED])],
            vec![(MEDIA_CREATED, Sent)],
        ),
    ] {
        assert_eq!(events(&ready(), SITE, &callers, TIMES), expected, "{callers:?}");
    }
    let young = Medium { created: ago(5), last_modified: Some(ago(5)), ..ready() };
    let callers = [caller(None, SITE, &[MEDIA_CREATED])];
    assert_eq!(events(&young, SITE, &callers, TIMES), [(MEDIA_CREATED, Pending)]);
}

#[test]
fn medium_predates_webhooks_only_if_all_webhooks_of_its_site_are_younger() {
    let (old, young) = (Some(ago(90)), Some(ago(89)));
    for (callers, predates_webhooks) in [
        (vec![caller(young, SITE, &ALL), caller(old, "another0", &ALL)], true),
        (vec![caller(young, SITE, &ALL), caller(old, SITE, &[])], false),
        (vec![caller(None, SITE, &ALL)], false),
    ] {
        assert_eq!(
            super::predates_webhooks(&ready(), SITE, &callers),
            predates_webhooks,
            "{callers:?}"
        );
    }
}
