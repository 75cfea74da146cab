//! Held events: tokens that the function could not verify on arrival, because it had no usable secret.
//!
//! Lambda delivers the held tokens in batches. The function verifies each token like a new request, because a
//! held token is not trusted. A token that may be accepted later stays in the held queue.

use std::borrow::Cow;
use std::time::SystemTime;

use futures_util::future::join_all;

use crate::forwarder::{Budget, Forwarder, unless_panicked};
use crate::queue::Receipt;
use crate::rejection::{Refusal, Rejection};
use crate::telemetry::WideEvent;
use crate::trace::TraceHeader;

/// A message of the held queue, as Lambda's event source mapping delivers it.
#[derive(PartialEq)]
pub struct HeldRecord<'e> {
    /// SQS's id of the message.
    pub message_id: Cow<'e, str>,
    /// The ARN of the queue that the message came from.
    pub queue_arn: Cow<'e, str>,
    /// The message's body: a token.
    pub token: Cow<'e, str>,
    /// When the message was sent to the held queue.
    pub held_at: SystemTime,
}

/// Verifies the records and sends their events to the queue. Returns the message ids of the records that stay
/// in the held queue.
pub async fn release(
    forwarder: &Forwarder,
    records: &[HeldRecord<'_>],
    budget: Budget,
    trace: Option<TraceHeader>,
    wide_event: impl Fn() -> WideEvent,
) -> Vec<String> {
    let (held, foreign): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| forwarder.holds(&record.queue_arn));
    if let Some(record) = foreign.first() {
        tracing::error!(queue_arn = %record.queue_arn, records = foreign.len(), "cannot process these records, because \
            they come from another queue than HELD_QUEUE_URL; remove the event source mapping that sends them, or \
            correct HELD_QUEUE_URL");
    }
    let no_secret = forwarder.secret(&budget).await.err();
    let verdicts = join_all(held.iter().map(async |record| {
        let mut wide_event = wide_event();
        let result = match no_secret {
            Some(why) => Err(why.into()),
            None => {
                let (token, held_at, trace) = (&record.token, record.held_at, trace.as_ref());
                unless_panicked(forwarder.accept_held(
                    token,
                    held_at,
                    budget,
                    trace,
                    &mut wide_event,
                ))
                .await
            }
        };
        let stays = stays(&result);
        wide_event.end_held(&result, stays);
        stays
    }))
    .await;
    let staying = held.iter().zip(verdicts).filter(|(_, stays)| *stays).map(|(record, _)| *record);
    staying.chain(foreign).map(|record| record.message_id.clone().into_owned()).collect()
}

/// Whether a record stays in the held queue, because it may be accepted later. An invalid signature may become
/// valid: somebody may have stored a wrong secret, and may still correct the secret.
fn stays(result: &Result<Receipt, Rejection>) -> bool {
    match result {
        Ok(_) => false,
        Err(Rejection::Refused(refusal)) => {
            matches!(refusal, Refusal::WebhookUnknown | Refusal::SignatureInvalid)
        }
        Err(Rejection::Held(_) | Rejection::Lost(_) | Rejection::Failed(_)) => true,
    }
}
