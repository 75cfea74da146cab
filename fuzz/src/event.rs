//! The gateway's events, written member by member, because serde_json's `Value` cannot represent
//! all JSON.

use crate::stand_in::HELD_QUEUE_ARN;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;

/// A request as an HTTP API delivers it (payload format 2.0).
#[derive(Default)]
pub struct HttpEvent {
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Names and JSON of members that the function does not need, in three lists: for the event,
    /// its `requestContext`, and the `http` in it.
    pub unneeded: [Vec<(String, String)>; 3],
}

/// The members that the function reads, for the same three objects.
const NEEDED: [&[&str]; 3] =
    [&["requestContext", "headers", "isBase64Encoded", "body"], &["http"], &["method"]];

impl HttpEvent {
    /// Adds a member to the object at this depth if the function does not need the member. Returns
    /// whether it was added.
    pub fn add_unneeded(&mut self, depth: usize, name: &str, json: &str) -> bool {
        let is_unneeded = NEEDED.get(depth).is_some_and(|needed| !needed.contains(&name))
            && serde_json::from_str::<&RawValue>(json).is_ok();
        if is_unneeded {
            self.unneeded[depth].push((name.to_owned(), json.to_owned()));
        }
        is_unneeded
    }

    pub fn json(&self) -> Box<RawValue> {
        let (body, is_base64) = match std::str::from_utf8(&self.body) {
            Ok(text) if !self.is_odd() => (text.to_owned(), "false"),
            _ => (BASE64_STANDARD.encode(&self.body), "true"),
        };
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), text(value)));
        let [of_event, of_context, of_http] = &self.unneeded;
        let http = object(of_http, [("method", text(&self.method))]);
        let context = object(of_context, [("http", http)]);
        let needed = [
            ("requestContext", context),
            ("headers", object(&headers.collect::<Vec<_>>(), [])),
            ("isBase64Encoded", is_base64.to_owned()),
            ("body", text(&body)),
        ];
        RawValue::from_string(object(of_event, needed)).expect("an event is JSON")
    }

    /// A gateway encodes a body in base64 depending on its content type. Here, every body of odd
    /// length is encoded.
    fn is_odd(&self) -> bool {
        self.body.len() % 2 == 1
    }
}

/// A message of the held queue, as the event source mapping delivers it.
pub fn held_record(id: &str, body: &str) -> String {
    let [id, body, arn] = [id, body, HELD_QUEUE_ARN].map(text);
    format!(
        r#"{{"messageId":{id},"body":{body},"attributes":{{"SentTimestamp":"1700001010000"}},"eventSourceARN":{arn}}}"#
    )
}

fn text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

fn object<const N: usize>(first: &[(String, String)], then: [(&str, String); N]) -> String {
    let first = first.iter().map(|(name, json)| format!("{}:{json}", text(name)));
    let then = then.iter().map(|(name, json)| format!("{}:{json}", text(name)));
    format!("{{{}}}", first.chain(then).collect::<Vec<_>>().join(","))
}
