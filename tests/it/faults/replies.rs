//! The results of the calls to a service: calm periods, scattered faults and outages.

use crate::support::{
    Order, Random, Reply, millis, queue_faults, queue_lies, queue_refusals, secret_outages,
    secret_refusals,
};
use serde_json::json;

/// The results of this many `SendMessage` calls to the event queue.
pub fn of_queue(random: &mut Random, calls: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    while replies.len() < calls {
        match random.below(10) {
            0..4 => spell(&mut replies, Reply::Normal, 10 + random.below(50)),
            4 | 5 => {
                for _ in 0..5 + random.below(20) {
                    let fault = any_of_queue(random);
                    replies.push(if random.one_in(2) { fault } else { Reply::Normal });
                }
            }
            6 => spell(&mut replies, passing(random), 4 + random.below(20)),
            7 => spell(&mut replies, random.pick(&queue_refusals()).clone(), 1 + random.below(8)),
            8 => spell(&mut replies, taken(random), 1 + random.below(8)),
            _ => spell(&mut replies, slow(random), 1 + random.below(6)),
        }
    }
    replies
}

/// The results of this many `SendMessage` calls to the held queue.
pub fn of_held(random: &mut Random, calls: usize) -> Vec<Reply> {
    let mut replies = Vec::new();
    while replies.len() < calls {
        match random.below(6) {
            0..3 => spell(&mut replies, Reply::Normal, 4 + random.below(20)),
            3 => spell(&mut replies, held_passing(random), 1 + random.below(6)),
            4 => spell(&mut replies, taken(random), 1 + random.below(4)),
            _ => spell(&mut replies, random.pick(&queue_refusals()).clone(), 1 + random.below(4)),
        }
    }
    replies
}

/// The result of every fetch of the secret during an outage.
pub fn outage(random: &mut Random) -> Reply {
    match random.below(4) {
        0 => random.pick(&secret_refusals()).clone(),
        1 => unusable(random),
        _ => random.pick(&secret_outages()).clone(),
    }
}

fn unusable(random: &mut Random) -> Reply {
    let values = [json!("{}"), json!("too short"), json!(null)];
    Reply::Altered(json!({"SecretString": random.pick(&values)}))
}

/// A transient fault of the held queue. A held message has no attributes, so the response has no
/// digest of attributes.
fn held_passing(random: &mut Random) -> Reply {
    loop {
        let reply = passing(random);
        if !format!("{reply:?}").contains("MD5OfMessageAttributes") {
            return reply;
        }
    }
}

/// The results of this many `GetSecretValue` calls. During a rotation, delayed answers matter most.
pub fn of_secret(random: &mut Random, calls: usize, rotation: bool) -> Vec<Reply> {
    let mut replies = Vec::new();
    while replies.len() < calls {
        match random.below(8) {
            _ if rotation && random.one_in(2) => spell(&mut replies, late(random), 1),
            0..3 => spell(&mut replies, Reply::Normal, 2 + random.below(6)),
            3 | 4 => {
                spell(&mut replies, random.pick(&secret_outages()).clone(), 1 + random.below(4));
            }
            5 => spell(&mut replies, slow(random), 1 + random.below(2)),
            6 => spell(&mut replies, late(random), 1 + random.below(2)),
            _ if random.one_in(2) => {
                spell(&mut replies, random.pick(&secret_refusals()).clone(), 1 + random.below(2));
            }
            _ => replies.push(unusable(random)),
        }
    }
    replies
}

fn spell(replies: &mut Vec<Reply>, reply: Reply, calls: usize) {
    replies.extend(std::iter::repeat_n(reply, calls));
}

fn any_of_queue(random: &mut Random) -> Reply {
    match random.below(8) {
        0..4 => passing(random),
        4 | 5 => taken(random),
        6 => slow(random),
        _ => random.pick(&queue_refusals()).clone(),
    }
}

fn passing(random: &mut Random) -> Reply {
    match random.below(4) {
        0 => random.pick(&queue_lies()).clone(),
        1 => Reply::Break(*random.pick(&[Order::Reset, Order::Close, Order::CloseAfterAnswer])),
        _ => random.pick(&queue_faults()).clone(),
    }
}

/// SQS queues the message, but the function gets no valid success response.
fn taken(random: &mut Random) -> Reply {
    match random.below(6) {
        0 => Reply::TakenThen(Box::new(Reply::Hang)),
        1 => Reply::TakenThen(Box::new(Reply::Break(Order::Reset))),
        2 => Reply::TakenThen(Box::new(Reply::Break(Order::Close))),
        3 => Reply::TakenThen(Box::new(Reply::Error(500, "InternalError"))),
        _ => late(random),
    }
}

/// A delayed response, with the value that the secret had before the delay.
fn late(random: &mut Random) -> Reply {
    Reply::TakenThen(Box::new(Reply::Delay(millis(50 + random.below(1_500) as u64))))
}

fn slow(random: &mut Random) -> Reply {
    match random.below(4) {
        0 => Reply::Hang,
        1 => Reply::Break(Order::Mute),
        _ => Reply::Delay(millis(50 + random.below(1_500) as u64)),
    }
}
