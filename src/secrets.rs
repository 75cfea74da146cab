//! The secret with the webhooks' keys. This module fetches the secret from Secrets Manager, caches it, and
//! refreshes it.
//!
//! An outage of Secrets Manager may last for hours, and must neither lose nor delay an event. So requests use
//! the cached secret in an outage. If Secrets Manager *denies* the call or returns an invalid value, the
//! operator has revoked the secret. Then requests use the cached secret only to the end of its TTL.
//!
//! The table shows what a request does in each state of the cache. A request that fails the verification
//! begins a *recheck*. `S` is [`SECRET_MAX_STALE_SECONDS`][S].
//!
//! | state | how the cache reaches it | a request | a recheck |
//! |---|---|---|---|
//! | fresh | the cached secret is younger than its TTL | uses the secret | fetches the secret and waits up to 1 s; during a pause between rechecks it does not fetch |
//! | expired | the TTL is over, and no fetch has failed since the last successful fetch | fetches; waits up to 1 s, or until an attempt fails | as in the state fresh |
//! | unreachable | an attempt failed, or a request waited 1 s without a result | uses the cached secret up to the age `S`; from 1 s after a failure, fetches in the background; every 10 s, one request waits for the fetch, up to 1 s | fails; from 1 s after a failed recheck, one recheck fetches again and waits up to 0.25 s |
//! | denied, invalid | Secrets Manager denied the call, or the value holds no usable key | uses the cached secret to the end of its TTL; then as in the state empty | fails; from 1 s after a failed recheck, one recheck fetches again and waits up to 1 s |
//! | empty | the cache has no usable secret | fetches and waits up to 5 s; in the second after a failed fetch, fails at once | – |
//!
//! Only a successful fetch ends the last three states. Lambda freezes the process between requests, so a
//! running fetch may be frozen too. The failure of a frozen fetch proves nothing about Secrets Manager. So,
//! once a fetch is older than [`FROZEN_AFTER`], no request waits for the fetch, and its failure does not count.
//!
//! A recheck needs a fetch that began after the request failed to verify. If the fetch in flight is older, the
//! recheck starts its own fetch, or waits for the fetch that another request's recheck has just begun.
//!
//! [S]: crate::config::Config::secret_max_stale

mod fetch;
mod moment;
mod rechecks;
mod state;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use futures_util::FutureExt;
use tokio::sync::broadcast;
use tokio::time::Instant;

use self::fetch::{Failed, FetchError, Progress};
use self::moment::Moment;
pub use self::rechecks::LONGEST_PAUSE;
pub use self::state::FROZEN_AFTER;
use self::state::{Fetch, State};
use crate::key_ring::KeyRing;
use crate::process::WallClock;
use crate::rejection::NoSecret;

/// The timeout of one fetch, including its retries. A request never waits longer for a fetch.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a fetch while a cached secret exists. In an outage, longer waits would multiply
/// the function's concurrency until Lambda throttles.
const MAX_WAIT_WITH_CACHE: Duration = Duration::from_secs(1);

/// The pause after a failed fetch, so that an outage does not cause a flood of calls.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// In an outage, one request in each interval of this length waits for a fetch. Lambda may freeze the process
/// after each response, so a fetch in the background may never end. The waiting request notices the end of the
/// outage.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// How long most rechecks wait in an outage; one in each [`PROBE_INTERVAL`] waits longer. If the outage is
/// over, this time is enough for a response. If the outage continues, the waits stay short.
const MAX_WAIT_OF_RECHECK_IN_OUTAGE: Duration = Duration::from_millis(250);

/// The secret in Secrets Manager, and its cache.
#[derive(Clone, Debug)]
pub struct SecretStore(Arc<Store>);

#[derive(Debug)]
struct Store {
    client: Client,
    secret_id: String,
    state: Mutex<State>,
}

/// A key ring, and the time when the call that fetched it began.
#[derive(Clone, Debug)]
pub struct Secret {
    ring: Arc<KeyRing>,
    asked: Moment,
    fetch: FetchId,
}

impl Secret {
    /// The keys.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Orders secrets by the time when their call began, and then by the number of their fetch.
    fn asked(&self) -> (Instant, FetchId) {
        (self.asked.monotonic, self.fetch)
    }

    /// The time since the call began.
    pub fn age(&self) -> Duration {
        self.asked.elapsed()
    }
}

/// The number of a fetch. Fetches are numbered in the order in which they begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchId(u64);

/// The times until which a request waits for the secret.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    /// The limit while a cached secret exists: at most 1 s after the request began.
    pub(crate) with_cache: Instant,
    /// The limit without a cached secret.
    pub(crate) deadline: Instant,
}

impl WaitLimits {
    /// The limits of a request that begins now and must have its secret by `deadline`.
    pub fn until(deadline: Instant) -> Self {
        let with_cache = deadline.min(Instant::now() + MAX_WAIT_WITH_CACHE);
        Self { with_cache, deadline }
    }
}

/// The result of a recheck.
#[derive(Debug)]
pub enum Recheck {
    /// A newer secret than the secret that the request saw.
    Newer(Secret),
    /// The request stays refused: its secret was fetched after the request failed to verify, or rechecks pause
    /// now.
    Settled,
    /// Secrets Manager is unreachable, denied the call, or returned an invalid value.
    Failed(NoSecret),
}

impl SecretStore {
    /// A store for the secret with this name or ARN. The store fetches the secret again at the age `ttl`. While
    /// Secrets Manager is unreachable, the store uses the cached secret up to the age `max_stale`.
    pub fn new(
        client: Client,
        secret_id: String,
        ttl: Duration,
        max_stale: Duration,
        wall_clock: WallClock,
    ) -> Self {
        let state = Mutex::new(State::new(ttl, max_stale, wall_clock));
        Self(Arc::new(Store { client, secret_id, state }))
    }

    /// The secret to verify tokens with.
    pub async fn current(&self, limits: WaitLimits) -> Result<Secret, NoSecret> {
        let arrived = self.next_fetch();
        loop {
            let (mut fetch, stale) = {
                let mut state = self.state();
                if let Some(secret) = state.fresh(arrived) {
                    return Ok(secret);
                }
                let stale = state.stale();
                match &stale {
                    Some(secret) if state.is_unreachable() => {
                        let Some(fetch) = self.fetch_in_outage(&mut state) else {
                            return Ok(secret.clone());
                        };
                        (fetch, stale)
                    }
                    None if state.in_flight().is_none() && state.failed_just_now() => {
                        return Err(state.error());
                    }
                    _ => (self.fetch(&mut state), stale),
                }
            };
            match stale {
                Some(secret) if !fetch.progresses_by(limits.with_cache).await => {
                    self.state().wait_timed_out();
                    return Ok(secret);
                }
                None if !fetch.ends_by(limits.deadline).await => return Err(NoSecret::Unavailable),
                _ => {}
            }
        }
    }

    /// The number that the next fetch will have. A request passes it to [`recheck`](Self::recheck).
    pub fn next_fetch(&self) -> FetchId {
        self.state().next_fetch()
    }

    /// Looks for a newer secret for a request that did not verify with the secret that it `saw`.
    ///
    /// `since` is what [`next_fetch`](Self::next_fetch) returned when the request first failed to verify.
    pub async fn recheck(&self, saw: &Secret, since: FetchId, limits: WaitLimits) -> Recheck {
        let (mut fetch, wait_in_outage) = {
            let mut state = self.state();
            let now = state.now();
            state.rechecks.requested(now);
            if let Some(newer) = state.newer_than(saw) {
                return Recheck::Newer(newer);
            }
            if saw.fetch >= since {
                return Recheck::Settled;
            }
            let has_failed = state.has_failed();
            let paused = state.rechecks.paused();
            if has_failed && (paused || state.rechecks.failed_just_now()) {
                return Recheck::Failed(state.error());
            }
            if paused {
                return Recheck::Settled;
            }
            let fetch = self.fetch_for_recheck(&mut state, since);
            if has_failed {
                state.rechecks.failed(now); // so that other rechecks fail at once
            }
            let wait_in_outage = state.is_unreachable().then(|| {
                if state.may_probe() { MAX_WAIT_WITH_CACHE } else { MAX_WAIT_OF_RECHECK_IN_OUTAGE }
            });
            (fetch, wait_in_outage)
        };
        let now = Instant::now();
        if let Some(wait) = wait_in_outage {
            // `with_cache` limits the whole wait, because the request may already have waited for 1 s
            fetch.progresses_by(limits.with_cache.min(now + wait)).await;
        } else if !fetch.ends_by(limits.deadline.min(now + MAX_WAIT_WITH_CACHE)).await {
            self.state().wait_timed_out();
        }
        let mut state = self.state();
        match state.newer_than(saw) {
            Some(newer) => Recheck::Newer(newer),
            None => {
                let now = state.now();
                state.rechecks.failed(now);
                Recheck::Failed(state.error())
            }
        }
    }

    /// The fetch in flight, or a new one.
    fn fetch(&self, state: &mut State) -> Fetch {
        state.in_flight().unwrap_or_else(|| self.start(state, false))
    }

    /// Starts a fetch in the background if none is in flight. Returns the fetch if this request must wait for
    /// it.
    fn fetch_in_outage(&self, state: &mut State) -> Option<Fetch> {
        if state.in_flight().is_none() && state.failed_just_now() {
            return None;
        }
        let fetch = self.fetch(state);
        state.may_probe().then_some(fetch)
    }

    /// A fetch that is at least as new as `since`, or the fetch of a recheck that another request has just
    /// begun.
    fn fetch_for_recheck(&self, state: &mut State, since: FetchId) -> Fetch {
        state.join_for_recheck(since).unwrap_or_else(|| self.start(state, true))
    }

    /// Starts a fetch in the background. It continues even if no request waits for it.
    fn start(&self, state: &mut State, recheck: bool) -> Fetch {
        let (progress, seen) = broadcast::channel(1);
        let fetch = state.begin(recheck, seen);
        tokio::spawn(self.clone().run(fetch.clone(), progress));
        fetch
    }

    async fn run(self, fetch: Fetch, progress: broadcast::Sender<Progress>) {
        let attempt_failed = || {
            self.state().attempt_failed(fetch.id);
            let _ = progress.send(Progress::Calling); // fails if no request is waiting
        };
        let fetched = AssertUnwindSafe(self.0.fetch(fetch.id, attempt_failed)).catch_unwind().await;
        let panicked = |_| Err(Failed { error: FetchError::Unreachable, asked: Instant::now() });
        self.state().end(&fetch, fetched.unwrap_or_else(panicked));
        let _ = progress.send(Progress::Ended);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl Store {
    /// Locks the state. No caller holds the lock across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
