//! The input has one record per line. For a line `@claims`, the record's body is a token with these
//! claims, which the target signs. A line `{…}` is the whole record. Any other line is a record's
//! body. The function must send only signed payloads, and must send every event that JW may send.
#![no_main]

use jw_webhook_forwarder_fuzz::event::held_record;
use jw_webhook_forwarder_fuzz::stand_in::invoke;
use jw_webhook_forwarder_fuzz::{
    HEADER, assert_queued, is_signed, json, jw_may_send, payload, token,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

struct Record {
    id: String,
    json: String,
    token: String,
    is_jws: bool,
}

fn record(number: usize, line: &str) -> Option<Record> {
    let id = number.to_string();
    if line.starts_with('{') {
        let members: Value = serde_json::from_str(line).ok()?;
        let token = members["body"].as_str().unwrap_or_default().to_owned();
        return Some(Record { id, json: line.to_owned(), token, is_jws: false });
    }
    let claims = line.strip_prefix('@').map(str::as_bytes);
    let token = claims.map_or_else(|| line.to_owned(), |claims| token(HEADER, claims));
    let json = held_record(&id, &token);
    Some(Record { id, json, token, is_jws: claims.is_some_and(jw_may_send) })
}

fn same(one: &[u8], other: &[u8]) -> bool {
    json::parse(one).ok().is_some_and(|one| json::parse(other).is_ok_and(|other| one == other))
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let records: Option<Vec<_>> =
        text.split('\n').enumerate().map(|(number, line)| record(number, line)).collect();
    let Some(records) = records else { return };
    let all = records.iter().map(|record| record.json.as_str()).collect::<Vec<_>>().join(",");
    let event = RawValue::from_string(format!(r#"{{"Records":[{all}]}}"#)).expect("JSON");
    let outcome = invoke(&event, None);
    assert!(outcome.held.is_empty(), "the function held an event that was already held");
    for message in &outcome.queued {
        let tokens = records.iter().map(|record| &record.token).filter(|token| is_signed(token));
        let mut payloads = tokens.map(|token| (token, payload(token)));
        let (token, payload) = payloads
            .find(|(_, payload)| same(payload, message.as_bytes()))
            .expect("a message is a signed payload");
        assert_queued(token, &payload, message);
    }
    let Some(answer) = outcome.answer else { return }; // all messages stay in the held queue
    let failures = answer["batchItemFailures"].as_array().expect("failures");
    let stays = |id: &str| failures.iter().any(|failure| failure["itemIdentifier"] == id);
    let of_jw: Vec<_> = records.iter().filter(|record| record.is_jws).collect();
    assert!(
        outcome.queued.len() >= of_jw.len(),
        "the function did not send an event that JW may send"
    );
    assert!(
        of_jw.iter().all(|record| !stays(&record.id)),
        "the function sent an event, but left it in the held queue"
    );
});
