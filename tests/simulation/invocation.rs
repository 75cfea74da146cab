//! One invocation: a request, or a batch from the held queue.

use std::time::Duration;

use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::invocation::{self, Answer as Answered};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::clock::{self, Ms};
use crate::schedule::{Step, What};
use crate::sqs::HELD_QUEUE_ARN;
use crate::world::{Answer, Batch, Held, Name, Shared};

/// Lambda's largest batch when the event source mapping has no batching window.
pub const BATCH_SIZE: usize = 10;

/// The held queue's visibility timeout, for a message that the function does not delete.
pub const VISIBILITY: Ms = 300_000;

/// An invocation that takes longer than this hangs for ever.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Invokes an instance with this step.
pub async fn invoke(
    forwarder: &Forwarder,
    instance: usize,
    world: &Shared,
    number: usize,
    step: Step,
) {
    let began = clock::now();
    let request_id = format!("{}-{number}-{began}", Name(instance));
    let (event, handed) = match step.what {
        What::Start => return,
        What::Request(request) => {
            let token = request.token();
            let event = request.invocation(&token);
            let mut world = world.lock();
            world.trace(|| {
                format!("{} is invoked: {request:?} within {}", Name(instance), step.within)
            });
            if request.kind.takes_secret() {
                world.tokens.insert(token, number);
            }
            (event, Vec::new())
        }
        What::Batch => {
            let Some((event, handed)) = batch(world, instance) else { return };
            (event, handed)
        }
    };
    // Lambda sets the deadline by the same clock as the function.
    let deadline = clock::unix_ms(clock::wall()) + step.within;
    let mut context = Context::default();
    context.request_id = request_id.clone();
    context.deadline = deadline;
    let event: Box<RawValue> = RawValue::from_string(event).expect("JSON");
    let answer = invocation::handle(forwarder, LambdaEvent::new(event, context));
    let answer = timeout(FOR_EVER, answer).await;
    let ended = clock::now();
    let mut world = world.lock();
    world.read_log(&clock::take_log());
    match (answer, step.what) {
        (Ok(Ok(Answered::Http(response))), _) => {
            let status = response.status_code;
            let body = serde_json::to_value(&*response).expect("JSON")["body"].take();
            let body = body.as_str().unwrap_or_default().to_owned();
            world.trace(|| format!("{} answers {status} to {request_id}: {body}", Name(instance)));
            let step = number;
            world.answers.push(Answer { step, instance, began, ended, status, body, request_id });
        }
        (Ok(Ok(Answered::Batch(response))), What::Batch) => {
            let response = serde_json::to_value(&response).expect("JSON");
            let failures = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
            let ids: Vec<&str> =
                failures.iter().filter_map(|failure| failure["itemIdentifier"].as_str()).collect();
            let (stay, left): (Vec<usize>, Vec<usize>) =
                handed.iter().partition(|held| ids.contains(&world.held[**held].id.as_str()));
            world.trace(|| format!("{request_id}: {stay:?} of {handed:?} stay"));
            for held in &left {
                world.held[*held].left = Some(ended);
            }
            let fault = (ids.len() != stay.len())
                .then(|| format!("the response has unknown message ids: {response}"));
            let within = step.within;
            world.batches.push(Batch {
                instance,
                began,
                ended,
                within,
                handed,
                stay,
                request_id,
                fault,
            });
        }
        (answer, _) => {
            let complaint = match answer {
                Ok(answer) => {
                    format!("{request_id} got an answer of the wrong kind: {}", answer.is_ok())
                }
                Err(_) => format!("{request_id} got no answer in {FOR_EVER:?}"),
            };
            world.complaints.push(complaint);
        }
    }
}

/// Returns the next batch from the held queue: the Lambda event, and the indexes of the batch's
/// messages in `held`.
fn batch(world: &Shared, instance: usize) -> Option<(String, Vec<usize>)> {
    let now = clock::now();
    let mut world = world.lock();
    let is_due = |held: &Held| held.left.is_none() && held.sent <= now && held.visible <= now;
    let held = world.held.iter().enumerate();
    let due: Vec<usize> = held.filter(|(_, held)| is_due(held)).map(|(at, _)| at).collect();
    let handed = due.get(..due.len().min(BATCH_SIZE)).unwrap_or_default().to_vec();
    if handed.is_empty() {
        return None;
    }
    let mut records = Vec::new();
    for at in &handed {
        let held = &mut world.held[*at];
        held.visible = now + VISIBILITY;
        let sent = clock::unix_ms(clock::right_wall_at(held.sent));
        records.push(json!({
            "messageId": held.id,
            "body": held.token,
            "attributes": {"SentTimestamp": sent.to_string()},
            "eventSource": "aws:sqs",
            "eventSourceARN": HELD_QUEUE_ARN,
        }));
    }
    world.trace(|| format!("{} is invoked with the held {handed:?}", Name(instance)));
    Some((json!({"Records": records}).to_string(), handed))
}
