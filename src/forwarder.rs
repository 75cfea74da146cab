//! The use case: a delivery comes in, a verified event goes to the queue.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::event::VerifiedEvent;
use crate::queue::{EventQueue, Receipt};
use crate::rejection::{Refusal, Rejection};
use crate::secrets::{FETCH_TIMEOUT, Recheck, SecretStore};
use crate::telemetry::{self, WideEvent};
use crate::token::UnverifiedToken;
use crate::trace::TraceHeader;

/// The longest that a request may take: well within the 30 s that API Gateway waits.
const MAX_DURATION: Duration = Duration::from_secs(20);

/// What is kept of the time for the answer and its way, when the last attempt at SQS has failed.
const RESERVE: Duration = Duration::from_secs(1);

/// How long a cold start waits for the first secret and the first connection before it takes
/// requests, which would otherwise wait for the same.
const WARM_UP: Duration = Duration::from_secs(3);

/// What a webhook's request brings, of which nothing is believed yet.
#[derive(Debug)]
pub struct Delivery<'r> {
    /// The bearer token.
    pub token: &'r str,
    /// The body's bytes, decoded from the transport's base64.
    pub body: &'r [u8],
    /// The invocation's X-Ray trace.
    pub trace: Option<TraceHeader>,
    /// The time left until Lambda stops the invocation.
    pub time_left: Duration,
}

/// Everything a request needs, shared by all of them.
#[derive(Debug)]
pub struct Forwarder {
    secrets: SecretStore,
    queue: EventQueue,
    max_event_age: Option<Duration>,
}

impl Forwarder {
    /// A forwarder that refuses events older than `max_event_age`, if there is one.
    pub fn new(secrets: SecretStore, queue: EventQueue, max_event_age: Option<Duration>) -> Self {
        Self { secrets, queue, max_event_age }
    }

    /// Fetches the secret and connects to the queue, so that the first event meets both warm. An
    /// outage is met again, and answered, at the first request.
    pub async fn warm_up(&self) {
        let deadline = Instant::now() + WARM_UP;
        let fetch = self.secrets.current(deadline);
        let connect = tokio::time::timeout_at(deadline, self.queue.connect());
        // the first event meets again what went wrong
        let _ = tokio::join!(fetch, connect);
    }

    /// Takes a delivery to the queue, and notes in the request's wide event what is learned of it.
    pub async fn accept(
        &self,
        delivery: Delivery<'_>,
        wide_event: &mut WideEvent,
    ) -> Result<Receipt, Rejection> {
        let time = Budget::new(delivery.time_left);
        let token = UnverifiedToken::parse(delivery.token)?;
        let event = self.verify(&token, delivery.body, &time, wide_event).await?;
        let now = OffsetDateTime::now_utc();
        wide_event.verified(&event, now);
        if self.max_event_age.is_some_and(|limit| !event.is_within(limit, now)) {
            return Err(Refusal::EventStale.into());
        }
        let sent = self.queue.send(&event, delivery.trace.as_ref(), time.send_deadline).await;
        if sent.is_err() {
            telemetry::undelivered(&self.queue.message(&event), self.queue.url());
        }
        Ok(sent?)
    }

    /// Verifies a token, and once more if its key may have come into the secret since it was fetched.
    async fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        body: &[u8],
        time: &Budget,
        wide_event: &mut WideEvent,
    ) -> Result<VerifiedEvent, Rejection> {
        let mut secret = self.secrets.current(time.secret_deadline).await?;
        // the first recheck may be a fetch that is under way, and was asked for before the key came
        for _ in 0..2 {
            wide_event.secret(&secret);
            let refusal = match token.verify(secret.ring(), body, SystemTime::now()) {
                Err(refusal @ (Refusal::WebhookUnknown | Refusal::SignatureInvalid)) => refusal,
                verdict => return Ok(verdict?.into()),
            };
            secret = match self.secrets.recheck(&secret, time.secret_deadline).await {
                Recheck::Fetched(secret) => secret,
                // We have no key to refuse it by, and it may be there.
                Recheck::Failed(failure) if refusal == Refusal::WebhookUnknown => {
                    return Err(failure.into());
                }
                Recheck::Failed(_) | Recheck::TooSoon => return Err(refusal.into()),
            };
        }
        wide_event.secret(&secret);
        Ok(token.verify(secret.ring(), body, SystemTime::now())?.into())
    }
}

/// When a request's parts have to be over.
struct Budget {
    secret_deadline: Instant,
    send_deadline: Instant,
}

impl Budget {
    fn new(time_left: Duration) -> Self {
        let began = Instant::now();
        let total = time_left.min(MAX_DURATION);
        let usable = total - RESERVE.min(total / 2);
        Self {
            secret_deadline: began + FETCH_TIMEOUT.min(usable / 2),
            send_deadline: began + usable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_budget_leaves_a_second_for_the_answer_and_half_for_the_queue() {
        let budget = |millis| {
            let budget = Budget::new(Duration::from_millis(millis));
            let now = Instant::now();
            ((budget.secret_deadline - now).as_millis(), (budget.send_deadline - now).as_millis())
        };
        assert_eq!(budget(900_000), (5_000, 19_000));
        assert_eq!(budget(30_000), (5_000, 19_000));
        assert_eq!(budget(11_000), (5_000, 10_000));
        assert_eq!(budget(3_000), (1_000, 2_000));
        assert_eq!(budget(1_000), (250, 500));
        assert_eq!(budget(0), (0, 0));
    }
}
