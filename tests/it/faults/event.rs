//! Events as JW sends them. For each event, this module computes the message that SQS must receive.
//! It follows the documentation and does not use the function's code.

use super::case::{Setting, WEBHOOK};
use crate::support::{Delivery, FIFO_QUEUE, Message, OTHER_SECRET, Random, SECRET, STANDARD_QUEUE};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// JW's event, with its members in the order of the signed claims.
pub struct Event(Vec<(&'static str, String)>);

impl Event {
    pub fn generate(number: usize, webhook_id: &str, random: &mut Random) -> Self {
        const TITLES: [&str; 6] = [
            "",
            "Grüße",
            "\u{1F600} \"a\"\n\\",
            "\u{ffff}\u{fffe}\u{fffd}",
            "\u{7f}\u{2028}",
            "</>",
        ];
        let subject = if random.one_in(3) { "channel_id" } else { "media_id" };
        let event = *random.pick(&["media_available", "channel_idle", "an_event_to_come"]);
        let mut members = vec![
            ("event", event.to_owned()),
            (subject, format!("{number:08}")),
            ("webhook_id", webhook_id.to_owned()),
            ("site_id", (*random.pick(&["jsPxIVHl", "9KboGBFu"])).to_owned()),
            ("event_time", "2023-11-14T22:30:10+00:00".to_owned()),
        ];
        if random.one_in(3) {
            members.push(("title", random.pick(&TITLES).repeat(1 + random.below(40))));
        }
        random.shuffle(&mut members);
        Self(members)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(member, _)| *member == name).map(|(_, value)| value.as_str())
    }

    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let others = self.0.iter().filter(|(member, _)| *member != name).cloned();
        Self(others.chain([(name, value.to_owned())]).collect())
    }

    pub fn key(&self) -> &'static str {
        if self.get("webhook_id") == Some(WEBHOOK) { SECRET } else { OTHER_SECRET }
    }

    pub fn claims(&self) -> String {
        write(&self.0)
    }

    /// The event as JW sends it, with the body's members in the order of the claims or in another
    /// order.
    pub fn delivery(&self, random: &mut Random) -> Delivery {
        let mut members = self.0.clone();
        if random.one_in(2) {
            random.shuffle(&mut members);
        }
        let delivery = Delivery::signed(self.claims(), self.key()).body(write(&members));
        if random.one_in(4) { delivery.in_base64() } else { delivery }
    }

    pub fn message(&self, setting: Setting) -> Message {
        let named = ["event", "webhook_id", "site_id", "media_id", "channel_id"];
        let value = |name: &str| self.get(name).map(str::to_owned);
        let mut attributes: BTreeMap<_, _> =
            named.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect();
        attributes.insert("event_id".into(), self.event_id());
        let subject = value("media_id").or_else(|| value("channel_id"));
        Message {
            id: String::new(),
            queue_url: if setting.fifo { FIFO_QUEUE } else { STANDARD_QUEUE }.into(),
            body: self.claims().replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"),
            attributes,
            trace_header: None,
            group: if setting.fifo { subject } else { value("site_id") },
            deduplication: setting.fifo.then(|| self.event_id()),
        }
    }

    /// The hash of the claims as Python's `json.dumps` writes them: sorted, without white space, in
    /// ASCII.
    fn event_id(&self) -> String {
        let mut members: Vec<_> =
            self.0.iter().filter(|(name, _)| *name != "webhook_id").cloned().collect();
        members.sort();
        let mut ascii = String::new();
        for character in write(&members).chars() {
            match character {
                ' '..='~' => ascii.push(character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        ascii += &format!("\\u{unit:04x}");
                    }
                }
            }
        }
        hex::encode(Sha256::digest(ascii))
    }
}

fn write(members: &[(&'static str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("{}:{}", json!(name), json!(value))).collect();
    format!("{{{}}}", members.join(","))
}
