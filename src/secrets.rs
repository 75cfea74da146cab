//! The webhook's secret: fetched from Secrets Manager, kept, and fetched again.
//!
//! Secrets Manager may be away for hours and no event is lost: what was fetched goes on serving.
//! When it says *no* the operator has revoked the secret, and what was fetched serves only until
//! it would have been fetched again. A failed fetch is no answer: the next request fetches again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::{Instant, timeout_at};

use crate::attempt::{self, Fault};
use crate::key_ring::KeyRing;
use crate::rejection::Failure;

/// How long one fetch goes on, its attempts together. No request waits longer for it.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a fetch when it could go on with what was fetched before.
const PATIENCE_WITH_FALLBACK: Duration = Duration::from_secs(1);

/// How often requests that fail verification may cause a fetch, in the whole process: a flood of
/// forged ones must not become a flood at Secrets Manager.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

/// The secret in Secrets Manager, and what of it is cached.
#[derive(Clone, Debug)]
pub struct SecretStore(Arc<Store>);

#[derive(Debug)]
struct Store {
    client: Client,
    secret_id: String,
    ttl: Duration,
    max_stale: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cached: Option<Secret>,
    /// Secrets Manager has refused since `cached` was fetched: not to be used past its TTL.
    revoked: bool,
    /// Why the last fetch failed, if it did.
    last_error: Option<FetchError>,
    in_flight: Option<Fetch>,
    rechecked: Option<Moment>,
}

/// A key ring, as it was at Secrets Manager some time ago.
#[derive(Clone, Debug)]
pub struct Secret {
    ring: Arc<KeyRing>,
    fetched: Moment,
}

impl Secret {
    /// The keys.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The time since it was fetched.
    pub fn age(&self) -> Duration {
        self.fetched.elapsed()
    }
}

/// What a recheck of a secret brought.
#[derive(Debug)]
pub enum Recheck {
    /// The secret has been fetched since.
    Fetched(Secret),
    /// It was rechecked a moment ago: there is nothing newer to go by.
    TooSoon,
    /// It couldn't be fetched.
    Failed(Failure),
}

/// A fetch that any number of requests await.
#[derive(Clone, Debug)]
struct Fetch {
    began: Instant,
    result: Shared<BoxFuture<'static, Result<Secret, FetchError>>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum FetchError {
    Unreachable,
    Refused,
    Invalid,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable | FetchError::Refused => Failure::SecretUnavailable,
            FetchError::Invalid => Failure::SecretInvalid,
        }
    }
}

/// A point in time. A frozen process's monotonic clock may stand still, and a wall clock may be set
/// back: of the two times that have passed since, the longer one counts.
#[derive(Clone, Copy, Debug)]
struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn elapsed(&self) -> Duration {
        self.monotonic.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }
}

impl SecretStore {
    /// The secret with this name or ARN, fetched again at the age of `ttl`, and used up to the age of
    /// `max_stale` while Secrets Manager is unreachable.
    pub fn new(client: Client, secret_id: String, ttl: Duration, max_stale: Duration) -> Self {
        Self(Arc::new(Store { client, secret_id, ttl, max_stale, state: Mutex::default() }))
    }

    /// The secret to verify with, had by `deadline` at the latest.
    pub async fn current(&self, deadline: Instant) -> Result<Secret, Failure> {
        let cached = self.state().cached.clone();
        if let Some(secret) = cached.filter(|secret| secret.age() < self.0.ttl) {
            return Ok(secret);
        }
        let patience =
            if self.fallback().is_some() { PATIENCE_WITH_FALLBACK } else { FETCH_TIMEOUT };
        match self.fetched(deadline.min(Instant::now() + patience)).await {
            Ok(secret) => Ok(secret),
            Err(FetchError::Unreachable) => self.fallback().ok_or(Failure::SecretUnavailable),
            Err(error) => Err(error.into()),
        }
    }

    /// What may have replaced a secret that a token didn't verify with.
    pub async fn recheck(&self, seen: &Secret, deadline: Instant) -> Recheck {
        let fetch = {
            let mut state = self.state();
            if let Some(newer) = state
                .cached
                .as_ref()
                .filter(|cached| cached.fetched.monotonic > seen.fetched.monotonic)
            {
                return Recheck::Fetched(newer.clone());
            }
            if state.in_flight().is_none() {
                if state.rechecked.is_some_and(|at| at.elapsed() < RECHECK_INTERVAL) {
                    return state
                        .last_error
                        .map_or(Recheck::TooSoon, |error| Recheck::Failed(error.into()));
                }
                state.rechecked = Some(Moment::now());
            }
            self.fetch(&mut state)
        };
        match fetch.outcome_by(deadline).await {
            Ok(secret) => Recheck::Fetched(secret),
            Err(error) => Recheck::Failed(error.into()),
        }
    }

    /// The outcome of a fetch that is under way or begins now. One that began earlier may have failed
    /// for a reason that is over (the process was frozen in the middle), or be answered so late that
    /// it is to be fetched again already: then another is made.
    async fn fetched(&self, deadline: Instant) -> Result<Secret, FetchError> {
        let asked = Instant::now();
        loop {
            let fetch = self.fetch(&mut self.state());
            let began_earlier = fetch.began < asked;
            let outcome = fetch.outcome_by(deadline).await;
            let serves = outcome.as_ref().is_ok_and(|secret| secret.age() < self.0.ttl);
            if serves || !began_earlier || Instant::now() >= deadline {
                return outcome;
            }
        }
    }

    /// The fetch that is under way, or a new one. It goes on by itself when nobody waits any more.
    fn fetch(&self, state: &mut State) -> Fetch {
        if let Some(fetch) = state.in_flight() {
            return fetch.clone();
        }
        let store = self.clone();
        let task = tokio::spawn(async move { store.fetch_and_keep().await });
        let result =
            task.map(|outcome| outcome.unwrap_or(Err(FetchError::Unreachable))).boxed().shared();
        state.in_flight.insert(Fetch { began: Instant::now(), result }).clone()
    }

    async fn fetch_and_keep(&self) -> Result<Secret, FetchError> {
        let outcome = self.0.fetch().await;
        let mut state = self.state();
        state.in_flight = None;
        state.last_error = outcome.as_ref().err().copied();
        match &outcome {
            Ok(secret) => {
                state.cached = Some(secret.clone());
                state.revoked = false;
            }
            Err(FetchError::Refused | FetchError::Invalid) => state.revoked = true,
            Err(FetchError::Unreachable) => {}
        }
        outcome
    }

    /// What may still be used while Secrets Manager is unreachable.
    fn fallback(&self) -> Option<Secret> {
        let state = self.state();
        state.cached.clone().filter(|secret| !state.revoked && secret.age() <= self.0.max_stale)
    }

    /// The state, for a moment: no lock is held across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetch {
    async fn outcome_by(self, deadline: Instant) -> Result<Secret, FetchError> {
        timeout_at(deadline, self.result).await.unwrap_or(Err(FetchError::Unreachable))
    }
}

impl State {
    /// The fetch that is under way: one that has a result, even a panic, isn't.
    fn in_flight(&self) -> Option<&Fetch> {
        self.in_flight.as_ref().filter(|fetch| fetch.result.peek().is_none())
    }
}

impl Store {
    async fn fetch(&self) -> Result<Secret, FetchError> {
        let secret_id = self.secret_id.as_str();
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let call = || async {
            // as old as the question: the process may be frozen before it reads the answer
            let asked = Moment::now();
            Ok((self.client.get_secret_value().secret_id(secret_id).send().await?, asked))
        };
        let fetched = attempt::until("secretsmanager:GetSecretValue", deadline, call).await;
        let (answer, asked) = fetched.map_err(|fault| match fault {
            Fault::Unreachable(_) => {
                tracing::warn!(%fault, secret_id, "Secrets Manager couldn't be reached; what was \
                    fetched before, if anything was, serves until SECRET_MAX_STALE_SECONDS");
                FetchError::Unreachable
            }
            Fault::Refused(_) => {
                tracing::error!(%fault, secret_id, "Secrets Manager refused the secret; check that it \
                    exists and isn't marked for deletion, that the function's role has \
                    secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if it has one");
                FetchError::Refused
            }
        })?;
        let (ring, disabled) = KeyRing::parse(value(&answer)).map_err(|error| {
            tracing::error!(%error, secret_id, "the secret's value can't be used; store the webhook's secret \
                as JW returned it, or a JSON object from webhook ids to secrets");
            FetchError::Invalid
        })?;
        for entry in disabled {
            tracing::warn!(entry = entry.entry, why = %entry.why, secret_id, "an entry of the key ring isn't used, \
                and this webhook's events are refused; mend it in the secret");
        }
        Ok(Secret { ring: Arc::new(ring), fetched: asked })
    }
}

fn value(answer: &GetSecretValueOutput) -> &[u8] {
    match (answer.secret_string(), answer.secret_binary()) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(blob)) => blob.as_ref(),
        (None, None) => b"",
    }
}

#[cfg(test)]
mod tests;
