//! The use case: verifies a delivery from JW and sends its event to the queue.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::event::VerifiedEvent;
use crate::http::Delivery;
use crate::process::Process;
use crate::queue::held::HeldQueue;
use crate::queue::{EventQueue, Receipt};
use crate::rejection::{Failure, NoSecret, Refusal, Rejection};
use crate::secrets::{FETCH_TIMEOUT, Recheck, Secret, SecretStore, WaitLimits};
use crate::telemetry::WideEvent;
use crate::token::{self, UnverifiedToken};
use crate::trace::TraceHeader;

/// The most time that a request may take. API Gateway's limit is 30 s.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(20);

/// The time that is left for the response after the last attempt to send to SQS.
const RESERVE: Duration = Duration::from_secs(1);

/// How long a cold start waits for the first secret and the first connection. Then the function serves
/// requests, even if they have to wait for the secret and the connection.
const WARM_UP: Duration = Duration::from_secs(3);

/// Verifies deliveries and sends their events. All requests share one forwarder.
#[derive(Debug)]
pub struct Forwarder {
    secrets: SecretStore,
    queue: EventQueue,
    held_queue: Option<HeldQueue>,
    max_event_age: Option<Duration>,
    process: Process,
}

impl Forwarder {
    /// If `max_event_age` is set, the forwarder refuses older events. If there is a held queue, the forwarder
    /// holds events that cannot be verified without a usable secret.
    pub fn new(
        secrets: SecretStore,
        queue: EventQueue,
        held_queue: Option<HeldQueue>,
        max_event_age: Option<Duration>,
        process: Process,
    ) -> Self {
        Self { secrets, queue, held_queue, max_event_age, process }
    }

    /// The wall clock and the log that the forwarder uses.
    pub fn process(&self) -> Process {
        self.process
    }

    /// Fetches the secret and connects to SQS, so that the first event does not wait for them. Ignores errors,
    /// because the first request gets the same error and reports it.
    pub async fn warm_up(&self) {
        let deadline = Instant::now() + WARM_UP;
        let fetch = self.secrets.current(WaitLimits::until(deadline));
        let connect = tokio::time::timeout_at(deadline, self.queue.connect());
        let _ = tokio::join!(fetch, connect);
    }

    /// Verifies a delivery and sends its event to the queue. Without a usable secret, sends the delivery's
    /// token to the held queue. Adds the event's fields to the request's wide event.
    pub async fn accept(
        &self,
        delivery: Delivery<'_>,
        budget: Budget,
        trace: Option<&TraceHeader>,
        wide_event: &mut WideEvent,
    ) -> Result<Receipt, Rejection> {
        let token = UnverifiedToken::parse(delivery.token)?;
        let now = (self.process.wall_clock)();
        let event = match self.verify(&token, delivery.body, now, budget, wide_event).await {
            Err(Rejection::Failed(Failure::NoSecret(why))) => {
                return Err(self.hold(&token, delivery.body, why, budget).await);
            }
            verdict => verdict?,
        };
        let mut record = RecordUnlessSent { queue: &self.queue, event: Some(&event), wide_event };
        let receipt = self.queue.send(&event, trace, budget.send_deadline).await?;
        record.event = None;
        Ok(receipt)
    }

    /// Verifies a held token as of the time when it was held, and sends its event to the queue. If SQS fails,
    /// the log needs no undelivered record, because the held queue still has the token.
    pub async fn accept_held(
        &self,
        token: &str,
        held_at: SystemTime,
        budget: Budget,
        trace: Option<&TraceHeader>,
        wide_event: &mut WideEvent,
    ) -> Result<Receipt, Rejection> {
        if !token::is_token(token) {
            return Err(Refusal::AuthorizationMalformed.into());
        }
        let token = UnverifiedToken::parse(token)?;
        let event = self.verify(&token, token.payload(), held_at, budget, wide_event).await?;
        Ok(self.queue.send(&event, trace, budget.send_deadline).await?)
    }

    /// Whether `queue_arn` is the ARN of the held queue.
    pub fn holds(&self, queue_arn: &str) -> bool {
        self.held_queue.as_ref().is_some_and(|queue| queue.is_at(queue_arn))
    }

    /// The secret to verify tokens with.
    pub async fn secret(&self, budget: &Budget) -> Result<Secret, NoSecret> {
        self.secrets.current(budget.secret).await
    }

    /// Verifies a token as of `came`, the time when the token arrived. If the token's key may be newer than the
    /// cached secret, fetches the secret and verifies the token again.
    async fn verify(
        &self,
        token: &UnverifiedToken<'_>,
        body: &[u8],
        came: SystemTime,
        budget: Budget,
        wide_event: &mut WideEvent,
    ) -> Result<VerifiedEvent, Rejection> {
        let mut secret = self.secret(&budget).await?;
        let mut since = None;
        loop {
            wide_event.secret(&secret);
            let rejection = match token.verify(secret.ring(), body, came) {
                Ok(claims) => {
                    let event = VerifiedEvent::from(claims);
                    wide_event.verified(&event, OffsetDateTime::from(came));
                    event.check_age(self.max_event_age, came)?;
                    return Ok(event);
                }
                Err(
                    rejection @ (Rejection::Refused(
                        Refusal::WebhookUnknown | Refusal::SignatureInvalid,
                    )
                    | Rejection::Failed(_)),
                ) => rejection,
                Err(rejection) => return Err(rejection),
            };
            let since = *since.get_or_insert_with(|| self.secrets.next_fetch());
            secret = match self.secrets.recheck(&secret, since, budget.secret).await {
                Recheck::Newer(secret) => secret,
                Recheck::Settled => return Err(rejection),
                Recheck::Failed(why) => return Err(why.into()),
            };
        }
    }

    /// Puts a token that could not be verified without a usable secret into the held queue.
    async fn hold(
        &self,
        token: &UnverifiedToken<'_>,
        body: &[u8],
        why: NoSecret,
        budget: Budget,
    ) -> Rejection {
        let Some(token) = token.to_hold(body) else { return why.into() };
        let Some(held_queue) = &self.held_queue else { return Rejection::Lost(why) };
        match held_queue.hold(&token, budget.send_deadline).await {
            Ok(_) => Rejection::Held(why),
            Err(_) => Rejection::Lost(why),
        }
    }
}

/// Writes a verified event to the log if SQS failed, the forwarder panicked, or the request was cancelled. This
/// guard writes when it is dropped, and the forwarder empties it once the event is sent.
struct RecordUnlessSent<'r> {
    queue: &'r EventQueue,
    event: Option<&'r VerifiedEvent>,
    wide_event: &'r WideEvent,
}

impl Drop for RecordUnlessSent<'_> {
    fn drop(&mut self) {
        let Some(event) = self.event else { return };
        self.wide_event.undelivered(&self.queue.message(event), self.queue.url());
    }
}

/// Runs `work`. If it panics, returns a failure, so that other requests are not affected.
pub(crate) async fn unless_panicked(
    work: impl Future<Output = Result<Receipt, Rejection>>,
) -> Result<Receipt, Rejection> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Failure::Panicked.into()))
}

/// The deadlines of a request or a batch: for getting the secret, and for sending to SQS.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    secret: WaitLimits,
    send_deadline: Instant,
}

impl Budget {
    /// The budget of an invocation that begins now and ends in `time_left`.
    pub fn new(time_left: Duration) -> Self {
        let began = Instant::now();
        let total = time_left.min(MAX_DURATION);
        let usable = total - RESERVE.min(total / 2);
        Self {
            secret: WaitLimits::until(began + FETCH_TIMEOUT.min(usable / 2)),
            send_deadline: began + usable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn budget_leaves_a_second_for_the_response_and_half_of_the_time_for_sqs() {
        let budget = |millis| {
            let budget = Budget::new(Duration::from_millis(millis));
            let now = Instant::now();
            let secret = budget.secret.deadline - now;
            (secret.as_millis(), (budget.send_deadline - now).as_millis())
        };
        assert_eq!(budget(900_000), (5_000, 19_000));
        assert_eq!(budget(30_000), (5_000, 19_000));
        assert_eq!(budget(11_000), (5_000, 10_000));
        assert_eq!(budget(3_000), (1_000, 2_000));
        assert_eq!(budget(1_000), (250, 500));
        assert_eq!(budget(0), (0, 0));
    }
}
