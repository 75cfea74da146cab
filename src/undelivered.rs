//! The `undelivered` record: a verified event that SQS did not confirm. It is written to the log in parts.
//!
//! The log has the only copy of such an event, and CloudWatch may truncate a long line. So no line of a record
//! is longer than [`MAX_LINE_BYTES`]: each part has a piece of the event's body, and repeats the record's other
//! members. Nearly every record is part 1 of 1.

#[cfg(feature = "cli")]
pub mod join;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::message::Message;

/// The most bytes in a line, including the newline. It is an eighth of 256 KiB, the limit of CloudWatch Logs
/// until 2025, and is also safe for log collectors on the way.
pub const MAX_LINE_BYTES: usize = 32_768;

/// One line of a record.
#[derive(Debug, Serialize)]
pub struct Part<'m> {
    undelivered: Record<'m>,
    part: usize,
    parts: usize,
}

/// `event_id` and `queue_url` come first, so that even a truncated line shows them.
#[derive(Clone, Copy, Debug, Serialize)]
struct Record<'m> {
    event_id: &'m str,
    queue_url: &'m str,
    request_id: &'m str,
    attributes: &'m BTreeMap<&'static str, &'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deduplication_id: Option<&'m str>,
    body: &'m str,
}

/// The parts of a message's record, in order. Each is one line of JSON.
pub fn parts<'m>(
    message: &'m Message<'m>,
    queue_url: &'m str,
    request_id: &'m str,
) -> impl ExactSizeIterator<Item = Part<'m>> {
    let record = Record {
        event_id: message.event_id,
        queue_url,
        request_id,
        attributes: &message.attributes,
        group_id: message.group_id.as_deref(),
        deduplication_id: message.deduplication_id,
        body: "",
    };
    // a record never has more parts than its body has bytes, so no part has wider numbers
    let most = message.body.len();
    let widest = Part { undelivered: record, part: most, parts: most };
    let around = serde_json::to_string(&widest).map_or(0, |line| line.len()) + "\n".len();
    let bodies = split(&message.body, MAX_LINE_BYTES.saturating_sub(around));
    let parts = bodies.len();
    bodies.into_iter().enumerate().map(move |(index, body)| Part {
        undelivered: Record { body, ..record },
        part: index + 1,
        parts,
    })
}

/// Splits a text between characters. A piece takes at most `room` bytes in a JSON string, but has at least one
/// character even if `room` is too small.
fn split(text: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut width) = (0, 0);
    for (at, character) in text.char_indices() {
        let more = json_width(character);
        if width + more > room && at > begin {
            pieces.push(&text[begin..at]);
            (begin, width) = (at, 0);
        }
        width += more;
    }
    pieces.push(&text[begin..]);
    pieces
}

/// The number of bytes that `serde_json` writes for a character in a string.
fn json_width(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => r"\n".len(),
        '\0'..='\u{1f}' => r"\u0000".len(),
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const QUEUE_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jw-events.fifo";
    const EVENT_ID: &str = "d2726fa652ffdc106819d01af02890479e8bb444082f72b5f51cb48f45f38619";

    fn message(body: &str) -> Message<'_> {
        Message {
            event_id: EVENT_ID,
            body: Cow::Borrowed(body),
            attributes: BTreeMap::from([("event_id", EVENT_ID), ("event", "media_available")]),
            group_id: Some("UUhbHm6C".into()),
            deduplication_id: Some(EVENT_ID),
        }
    }

    fn lines(message: &Message<'_>) -> Vec<String> {
        let parts = parts(message, QUEUE_URL, "c6beae3c-f498-4430-b270-dc8a51de0674");
        parts.map(|part| serde_json::to_string(&part).unwrap() + "\n").collect()
    }

    fn longest(lines: &[String]) -> usize {
        lines.iter().map(String::len).max().unwrap()
    }

    #[test]
    fn record_of_a_short_event_is_one_line() {
        let expected = format!(
            r#"{{"undelivered":{{"event_id":"{EVENT_ID}","queue_url":"{QUEUE_URL}","request_id":"c6beae3c-f498-4430-b270-dc8a51de0674","attributes":{{"event":"media_available","event_id":"{EVENT_ID}"}},"group_id":"UUhbHm6C","deduplication_id":"{EVENT_ID}","body":"{{\"a\":1}}"}},"part":1,"parts":1}}"#
        );
        assert_eq!(lines(&message(r#"{"a":1}"#)), [expected + "\n"]);
        assert_eq!(lines(&message("")).len(), 1);
    }

    #[test]
    fn members_without_a_value_are_left_out() {
        let message = Message { group_id: None, deduplication_id: None, ..message("{}") };
        let [line] = lines(&message).try_into().unwrap();
        assert!(!line.contains("group_id") && !line.contains("deduplication_id"), "{line}");
    }

    #[test]
    fn json_width_is_what_serde_json_writes() {
        for character in ('\0'..='\u{17f}').chain(['\u{2028}', '\u{fffe}', '\u{ffff}', '\u{1f600}'])
        {
            let written = serde_json::to_string(&character).unwrap().len() - r#""""#.len();
            assert_eq!(json_width(character), written, "{character:?}");
        }
    }

    #[test]
    fn text_is_split_between_characters_and_as_late_as_possible() {
        assert_eq!(split("abcdef", 3), ["abc", "def"]);
        assert_eq!(split("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(split("a\"b\"", 3), ["a\"", "b\""]);
        assert_eq!(split("ab\"", 3), ["ab", "\""]);
        assert_eq!(split("aé\u{1f600}", 4), ["aé", "\u{1f600}"]);
        assert_eq!(split("\u{1f600}é", 0), ["\u{1f600}", "é"]);
        assert_eq!(split("", 3), [""]);
    }

    #[test]
    fn record_at_the_limit_has_one_part_and_a_byte_more_makes_two_parts() {
        // the code leaves room for part numbers of five digits, and these lines have numbers of one digit
        let spare = 2 * "9999".len();
        let around = lines(&message(""))[0].len();
        let body = "x".repeat(MAX_LINE_BYTES - spare - around);
        let whole = lines(&message(&body));
        assert_eq!((whole.len(), whole[0].len()), (1, 32_760));
        let body = body + "x";
        let halves = lines(&message(&body));
        assert_eq!((halves.len(), halves[0].len()), (2, 32_760));
        assert_eq!(halves[1].len(), around + 1);
    }

    #[test]
    fn every_line_of_the_largest_bodies_is_within_the_limit() {
        for (character, parts) in
            [("x", 9), ("\"", 17), ("\u{1}", 49), ("\n", 17), ("\u{1f600}", 9), ("\\ufffe", 10)]
        {
            let body = character.repeat(262_144 / character.len());
            let lines = lines(&message(&body));
            assert_eq!(lines.len(), parts, "{character:?}");
            assert!(
                (32_740..=32_768).contains(&longest(&lines)),
                "{character:?}: {}",
                longest(&lines)
            );
        }
    }

    #[test]
    fn every_line_is_within_the_limit_with_the_longest_attributes() {
        let quotes = "\"".repeat(256);
        let mut message = message("");
        for name in crate::event::ROUTING_CLAIMS {
            message.attributes.insert(name, &quotes);
        }
        message.group_id = Some("\\".repeat(128));
        message.body = Cow::Owned("\"".repeat(300_000));
        let lines = lines(&message);
        assert!((32_740..=32_768).contains(&longest(&lines)), "{}", longest(&lines));
    }
}
