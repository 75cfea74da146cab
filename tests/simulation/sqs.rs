//! SQS's `SendMessage`, and the digests in SQS's response.

use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::attributes_md5::attributes_md5;
use crate::clock::Ms;
use crate::event::Message;
use crate::faults::Service;
use crate::world::{Held, Queued, World};

pub const STANDARD_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/events";
pub const FIFO_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/events.fifo";
pub const HELD_QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/held";
pub const HELD_QUEUE_ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:held";

/// The number of the event that this call sends.
pub fn number(body: &Value) -> Option<usize> {
    let media_id = body["MessageAttributes"]["media_id"]["StringValue"].as_str()?;
    media_id.strip_prefix("media")?.parse().ok()
}

/// Queues the message and returns SQS's answer.
pub fn take(
    world: &mut World,
    service: Service,
    body: &Value,
    at: Ms,
) -> (u16, Vec<(&'static str, String)>, String) {
    let id = match service {
        Service::HeldQueue => {
            let id = format!("held{}", world.held.len());
            let token = text(body, "MessageBody").unwrap_or_default();
            let held = Held { id: id.clone(), token, sent: at, visible: at, left: None };
            world.held.push(held);
            id
        }
        _ => queue(world, body),
    };
    (200, Vec::new(), answer(body, &id).to_string())
}

fn queue(world: &mut World, body: &Value) -> String {
    let message = Message {
        body: text(body, "MessageBody").unwrap_or_default(),
        attributes: attributes(body),
        group: text(body, "MessageGroupId"),
        deduplication: text(body, "MessageDeduplicationId"),
    };
    let url = if world.schedule.setting.fifo { FIFO_QUEUE } else { STANDARD_QUEUE };
    if text(body, "QueueUrl").as_deref() != Some(url) {
        world.complaints.push(format!("the function sent a message to another queue: {body}"));
    }
    let earlier = world.queued.iter().find(|queued| {
        queued.message.deduplication.is_some()
            && queued.message.deduplication == message.deduplication
    });
    let id = earlier
        .map_or_else(|| format!("message{}", world.queued.len()), |queued| queued.id.clone());
    world.queued.push(Queued { id: id.clone(), message });
    id
}

/// SQS's response to this call, with this message ID.
pub fn answer(body: &Value, id: &str) -> Value {
    let text = body["MessageBody"].as_str().unwrap_or_default();
    let mut answer =
        json!({"MessageId": id, "MD5OfMessageBody": hex::encode(Md5::digest(text.as_bytes()))});
    let attributes = attributes(body);
    if !attributes.is_empty() {
        answer["MD5OfMessageAttributes"] =
            json!(attributes_md5(attributes.iter().map(|(name, value)| (name, value))));
    }
    answer
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}

fn attributes(body: &Value) -> Vec<(String, String)> {
    let members = body["MessageAttributes"].as_object().into_iter().flatten();
    let mut attributes: Vec<_> = members
        .map(|(name, value)| {
            (name.clone(), value["StringValue"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    attributes.sort();
    attributes
}
