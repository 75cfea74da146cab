//! SQS's `SendMessage`, with the documented limits and the digests in the response.

use super::attributes_md5::attributes_md5;
use super::service::State;
use super::start::{FIFO_QUEUE, HELD_QUEUE, STANDARD_QUEUE};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The maximum size of a message's body and attributes together.
const MESSAGE_BYTES_MAX: usize = 1_048_576;

/// A message as a consumer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub queue_url: String,
    pub body: String,
    pub attributes: BTreeMap<String, String>,
    pub trace_header: Option<String>,
    pub group: Option<String>,
    pub deduplication: Option<String>,
}

impl Message {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The same message with another ID.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }
}

/// Queues a message, or returns the reason why SQS would reject the message. On a FIFO queue, a
/// duplicate gets the first message's ID and is not queued again.
pub fn take(state: &mut State, parameters: &Value) -> Result<Value, String> {
    let mut message = read(parameters)?;
    let earlier = state.queued.iter().find(|queued| {
        queued.deduplication.is_some() && queued.deduplication == message.deduplication
    });
    message.id = match earlier {
        Some(queued) => queued.id.clone(),
        None => format!("00000000-0000-4000-8000-{:012}", state.taken),
    };
    state.taken += 1;
    if message.queue_url == HELD_QUEUE {
        state.held.push(message.clone());
    } else {
        if earlier.is_none() {
            state.queued.push(message.clone());
        }
        state.sends.push(message.clone());
    }
    let system: BTreeMap<_, _> = message
        .trace_header
        .iter()
        .map(|value| ("AWSTraceHeader".to_owned(), value.clone()))
        .collect();
    let digest_of = |attributes: &BTreeMap<String, String>| {
        (!attributes.is_empty()).then(|| attributes_md5(attributes))
    };
    Ok(json!({
        "MessageId": message.id,
        "MD5OfMessageBody": hex::encode(Md5::digest(&message.body)),
        "MD5OfMessageAttributes": digest_of(&message.attributes),
        "MD5OfMessageSystemAttributes": digest_of(&system),
        "SequenceNumber": message.deduplication.as_ref().map(|_| "18849496460467696128"),
    }))
}

fn read(parameters: &Value) -> Result<Message, String> {
    let text = |name: &str| parameters[name].as_str().map(str::to_owned);
    let queue_url = text("QueueUrl").unwrap_or_default();
    let fifo = queue_url == FIFO_QUEUE;
    let known = [STANDARD_QUEUE, FIFO_QUEUE, HELD_QUEUE].contains(&queue_url.as_str());
    check(known, "QueueUrl", &queue_url)?;
    for name in parameters.as_object().into_iter().flat_map(|members| members.keys()) {
        let allowed =
            queue_url != HELD_QUEUE || ["QueueUrl", "MessageBody"].contains(&name.as_str());
        check(allowed, name, "a held message has a body and nothing else")?;
    }

    let body = text("MessageBody").unwrap_or_default();
    check(!body.is_empty() && body.chars().all(is_allowed), "MessageBody", "its characters")?;

    let attributes = attributes(&parameters["MessageAttributes"])?;
    check(attributes.len() <= 10, "MessageAttributes", "more than ten attributes")?;
    let in_attributes: usize =
        attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len()).sum();
    check(body.len() + in_attributes <= MESSAGE_BYTES_MAX, "MessageBody", "its length")?;

    let mut system = self::attributes(&parameters["MessageSystemAttributes"])?;
    let trace_header = system.remove("AWSTraceHeader");
    check(system.is_empty(), "MessageSystemAttributes", "unknown")?;

    let (group, deduplication) = (text("MessageGroupId"), text("MessageDeduplicationId"));
    for id in group.iter().chain(&deduplication) {
        let punctuated = id.bytes().all(|byte| byte.is_ascii_graphic());
        check(punctuated && (1..=128).contains(&id.len()), "an id", id)?;
    }
    check(!fifo || group.is_some(), "MessageGroupId", "missing")?;
    check(
        fifo == deduplication.is_some(),
        "MessageDeduplicationId",
        "required for a FIFO queue, not allowed for others",
    )?;

    Ok(Message {
        id: String::new(),
        queue_url,
        body,
        attributes,
        trace_header,
        group,
        deduplication,
    })
}

fn attributes(map: &Value) -> Result<BTreeMap<String, String>, String> {
    let mut attributes = BTreeMap::new();
    for (name, attribute) in map.as_object().into_iter().flatten() {
        check(attribute["DataType"] == "String", name, "its type")?;
        let value = attribute["StringValue"].as_str().unwrap_or_default();
        check(!value.is_empty() && value.chars().all(is_allowed), name, value)?;
        attributes.insert(name.clone(), value.to_owned());
    }
    Ok(attributes)
}

fn check(allowed: bool, what: &str, why: &str) -> Result<(), String> {
    if allowed { Ok(()) } else { Err(format!("SQS would reject {what}: {why}")) }
}

/// `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
pub fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
