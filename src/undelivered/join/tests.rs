use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;

use super::*;
use crate::event::tests::verified;
use crate::message::QueueKind;
use crate::undelivered::{MAX_LINE_BYTES, parts};

const QUEUE_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jw-events";

/// The payload of an event. The payload has this text in it.
fn payload(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        r#"{{"event":"media_available","media_id":"UUhbHm6C","site_id":"jsPxIVHl","x":{text}}}"#
    )
}

fn lines(message: &Message<'_>, request_id: &str) -> Vec<String> {
    parts(message, QUEUE_URL, request_id)
        .map(|part| serde_json::to_string(&part).unwrap())
        .collect()
}

/// The three lines of a record with three parts, and the body that was split.
fn three_parts(request_id: &str) -> (Vec<String>, String) {
    let event = verified(&payload(&"\"".repeat(20_000)));
    let message = Message::new(&event, QueueKind::Fifo);
    let lines = lines(&message, request_id);
    assert_eq!(lines.len(), 3);
    (lines, message.body.into_owned())
}

/// Joins lines that were logged a millisecond apart.
fn join_in_order(lines: &[String]) -> Joined {
    join((1..).zip(lines))
}

fn with(line: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    change(&mut line);
    line.to_string()
}

#[test]
fn joined_record_is_the_original_message() {
    let event = verified(&payload("\u{ffff}\u{1f600}\u{7f}"));
    for kind in [QueueKind::Standard, QueueKind::Fifo] {
        let message = Message::new(&event, kind);
        let joined = join_in_order(&lines(&message, "r"));
        assert_eq!(joined.broken, []);
        let [(1, record)] = joined.records.as_slice() else { panic!("{joined:?}") };
        assert_eq!(record.message(), message);
        assert_eq!(record.queue_url, QUEUE_URL);
    }
}

#[test]
fn parts_are_joined_in_any_order_and_the_record_has_the_time_of_its_first_line() {
    let (parts, body) = three_parts("r");
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let joined = join(order.map(|index| (7 - index as i64, &parts[index])));
        let [(5, record)] = joined.records.as_slice() else { panic!("{order:?}: {joined:?}") };
        assert_eq!(record.message().body, body, "{order:?}");
    }
}

#[test]
fn duplicate_line_counts_once() {
    let (parts, body) = three_parts("r");
    let joined = join_in_order(&[parts.clone(), parts].concat());
    let [(1, record)] = joined.records.as_slice() else { panic!("{joined:?}") };
    assert_eq!((&*record.message().body, joined.broken), (&*body, vec![]));
}

#[test]
fn two_requests_with_the_same_event_have_two_records() {
    let ((one, body), (other, _)) = (three_parts("r1"), three_parts("r2"));
    let interleaved: Vec<_> =
        one.iter().zip(&other).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let joined = join_in_order(&interleaved);
    assert_eq!(joined.broken, []);
    let bodies: Vec<_> = joined.records.iter().map(|(_, record)| record.message().body).collect();
    assert_eq!(bodies, [&*body, &*body]);

    // a part of one record does not complete the other record
    let joined = join_in_order(&[one[0].clone(), other[1].clone(), one[2].clone()]);
    assert_eq!(joined.records, []);
    assert_eq!(joined.broken.len(), 2);
}

#[test]
fn parts_whose_other_members_differ_are_not_joined() {
    let (parts, _) = three_parts("r");
    let changes: [fn(&mut serde_json::Value); 5] = [
        |line| line["parts"] = 4.into(),
        |line| line["undelivered"]["event_id"] = "other".into(),
        |line| line["undelivered"]["queue_url"] = "https://sqs/1/other".into(),
        |line| line["undelivered"]["attributes"]["event"] = "other".into(),
        |line| line["undelivered"]["group_id"] = "other".into(),
    ];
    for change in changes {
        let changed = with(&parts[1], change);
        let joined = join_in_order(&[parts[0].clone(), changed.clone(), parts[2].clone()]);
        assert_eq!(joined.records, [], "{changed}");
        assert_eq!(joined.broken.len(), 2, "{changed}");
    }
}

#[test]
fn record_with_a_missing_part_is_broken_and_lists_the_parts_in_the_log() {
    let (parts, _) = three_parts("r");
    let joined = join_in_order(&parts[1..]);
    assert_eq!(joined.records, []);
    let [(1, broken @ Broken::Incomplete { event_id, .. })] = joined.broken.as_slice() else {
        panic!("{joined:?}")
    };
    let told = format!(
        "the record of event {event_id} of request r is incomplete: the log has only parts 2, 3 of 3"
    );
    assert_eq!(broken.to_string(), told);
}

#[test]
fn part_with_two_different_bodies_breaks_its_record() {
    let (mut parts, _) = three_parts("r");
    parts.push(with(&parts[1], |line| line["undelivered"]["body"] = "{}".into()));
    let joined = join_in_order(&parts);
    assert_eq!(joined.records, []);
    let [(1, broken @ Broken::Contradictory { event_id, .. })] = joined.broken.as_slice() else {
        panic!("{joined:?}")
    };
    let told = format!(
        "the record of event {event_id} of request r contradicts itself: the log has part 2 of 3 \
         with different bodies"
    );
    assert_eq!(broken.to_string(), told);
}

#[test]
fn line_that_begins_like_a_record_but_cannot_be_read_is_broken() {
    let (parts, _) = three_parts("r");
    let unreadable = [
        parts[0][..parts[0].len() - 1].to_owned(),
        r#"{"undelivered":"#.to_owned(),
        r#" {"undelivered":1}"#.to_owned(),
        with(&parts[0], |line| line["part"] = 0.into()),
        with(&parts[0], |line| line["part"] = 4.into()),
        with(&parts[0], |line| line["part"] = serde_json::Value::Null),
        with(&parts[0], |line| line["undelivered"]["request_id"] = serde_json::Value::Null),
    ];
    for line in unreadable {
        let joined = join([(3, &line)]);
        assert_eq!(
            joined,
            Joined { records: vec![], broken: vec![(3, Broken::Unreadable)] },
            "{line}"
        );
    }
}

#[test]
fn other_lines_are_ignored() {
    for line in [
        "START RequestId: 1",
        "{}",
        r#"{"outcome":"accepted","event":"undelivered"}"#,
        r#"{"message":"{\"undelivered\":{\"event_id\":\"queue_url\""}"#,
    ] {
        assert_eq!(join([(1, line)]), Joined::default(), "{line}");
    }
}

#[test]
fn line_of_the_format_without_parts_is_a_record() {
    let line = |body: &str| {
        let event = r#""event_id":"e","queue_url":"https://sqs/1/q","attributes":{"event_id":"e"}"#;
        format!(r#"{{"undelivered":{{{event},"body":"{body}"}}}}"#)
    };
    let joined = join_in_order(&[line("one"), line("other"), line("one")]);
    let bodies: Vec<_> = joined.records.iter().map(|(_, record)| record.message().body).collect();
    assert_eq!(bodies, ["one", "other", "one"]);
    assert_eq!(joined.broken, []);
}

/// A body of several runs of equal characters. The characters have different widths in JSON.
fn body() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        Just('x'),
        Just('"'),
        Just('\\'),
        Just('\u{1}'),
        Just('\n'),
        Just('\u{e9}'),
        Just('\u{fffd}'),
        any::<char>(),
    ];
    let runs = prop::collection::vec((character, 0..9_000_usize), 0..12);
    runs.prop_map(|runs| {
        runs.into_iter().map(|(character, number)| character.to_string().repeat(number)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shuffled_parts_of_any_message_are_within_the_limit_and_join_to_the_message(
        body in body(),
        attribute in "[ -~]{1,256}",
        group_id in proptest::option::of("[!-~]{1,128}"),
        seed in any::<u64>(),
    ) {
        let message = Message {
            event_id: "e",
            body: Cow::Borrowed(&body),
            attributes: BTreeMap::from([("event_id", "e"), ("event", &attribute)]),
            group_id,
            deduplication_id: None,
        };
        let mut lines = [lines(&message, "r1"), lines(&message, "r2")].concat();
        for line in &lines {
            prop_assert!(line.len() < MAX_LINE_BYTES, "{} bytes", line.len());
        }
        lines.sort_by_key(|line| {
            let mut place = DefaultHasher::new();
            (seed, line).hash(&mut place);
            place.finish()
        });
        let joined = join_in_order(&lines);
        prop_assert_eq!(joined.broken, vec![]);
        prop_assert_eq!(joined.records.len(), 2);
        for (_, record) in &joined.records {
            prop_assert_eq!(&record.message(), &message);
        }
    }
}
