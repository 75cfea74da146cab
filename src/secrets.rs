//! The webhook's secret: fetched from Secrets Manager, cached, and fetched again.
//!
//! An outage of Secrets Manager may last for hours. It must neither lose nor delay an event, so requests
//! use the cached secret. If Secrets Manager *denies* the call or returns an invalid value, the operator
//! has revoked the secret: requests use the cached secret only to the end of its TTL.
//!
//! What a request does, by the state of the cache (`S`: [`SECRET_MAX_STALE_SECONDS`][S]):
//!
//! | state | how it is reached | a request | a request that does not verify (a *recheck*) |
//! |---|---|---|---|
//! | fresh | the cached secret is younger than its TTL | uses it | fetches once more and waits up to 1 s; during a pause it does not fetch |
//! | expired | the TTL is over and no fetch has failed since the last success | fetches; waits up to 1 s, or until an attempt fails | as fresh |
//! | unreachable | an attempt failed, or a request waited 1 s without a result | uses the cached secret up to `S`; fetches in the background from 1 s after a failure; every 10 s one request waits, up to 1 s | fails; from 1 s after a failed recheck, one recheck fetches again and waits up to 0.25 s |
//! | denied, invalid | Secrets Manager denied the call, or the value holds no usable key | uses the cached secret to its TTL; after it, as empty | fails; from 1 s after a failed recheck, one recheck fetches again and waits up to 1 s |
//! | empty | the cache has no usable secret | fetches and waits up to 5 s; fails at once within 1 s after a failed fetch | – |
//!
//! Only a fetch that succeeds leaves the last three states. Lambda freezes the process between
//! requests, so a fetch may be frozen in the middle. Such a fetch proves nothing about Secrets
//! Manager: once it is older than [`FROZEN_AFTER`], no request waits for it and its failure does not count.
//!
//! A recheck needs a fetch that began after the request failed to verify. If the fetch in flight is older,
//! the recheck starts its own fetch, or waits for the recheck that another request has just begun.
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

/// The timeout of one fetch, which covers all its attempts. No request waits longer for a fetch.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request waits for a fetch while a cached secret exists. Longer waits would multiply the
/// function's concurrency in an outage until Lambda throttles.
const MAX_WAIT_WITH_CACHE: Duration = Duration::from_secs(1);

/// The pause after a failed fetch, so that an outage does not become a flood of calls.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// In an outage, one request in this interval waits for a fetch. Lambda may freeze the process after each
/// response, so a background fetch may never end. The waiting request still notices the end of the outage.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// How long a recheck waits in an outage, unless it is the one request that waits longer. This is enough
/// for a response if the outage is over. If it is not over, the waits stay short.
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

/// A key ring, and when the call that fetched it began.
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

    /// When the call began. If two calls began at the same time, the later fetch counts as newer.
    fn asked(&self) -> (Instant, FetchId) {
        (self.asked.monotonic, self.fetch)
    }

    /// The time since the call began.
    pub fn age(&self) -> Duration {
        self.asked.elapsed()
    }
}

/// Fetches, numbered in the order in which they began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchId(u64);

/// A request's time limits for the secret.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    /// While a cached secret exists: 1 s after the request began.
    pub(crate) with_cache: Instant,
    /// Without a cached secret.
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
    /// A secret that was fetched after the one that the request saw.
    Newer(Secret),
    /// The request's secret decides: it was fetched after the request failed to verify, or rechecks pause.
    Settled,
    /// Secrets Manager is unreachable, denied the call, or returned an invalid value.
    Failed(NoSecret),
}

impl SecretStore {
    /// The secret with this name or ARN, fetched again at the age of `ttl`, and used up to the age of
    /// `max_stale` while Secrets Manager is unreachable.
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

    /// The secret to verify with.
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

    /// The id that the next fetch will have. [`recheck`](Self::recheck) needs a fetch at least as new.
    pub fn next_fetch(&self) -> FetchId {
        self.state().next_fetch()
    }

    /// Looks for a newer secret, for a request that did not verify with the one that it `saw`.
    ///
    /// `since` is the [`next_fetch`](Self::next_fetch) at the time when the request first failed.
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
                state.rechecks.failed(now); // other rechecks do not wait for this one
            }
            let wait_in_outage = state.is_unreachable().then(|| {
                if state.may_probe() { MAX_WAIT_WITH_CACHE } else { MAX_WAIT_OF_RECHECK_IN_OUTAGE }
            });
            (fetch, wait_in_outage)
        };
        let now = Instant::now();
        if let Some(wait) = wait_in_outage {
            // the request may already have waited for 1 s
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

    /// Starts a background fetch if none is in flight. Returns the fetch if this request must wait for it.
    fn fetch_in_outage(&self, state: &mut State) -> Option<Fetch> {
        if state.in_flight().is_none() && state.failed_just_now() {
            return None;
        }
        let fetch = self.fetch(state);
        state.may_probe().then_some(fetch)
    }

    /// A fetch that is at least as new as `since`, or the recheck that another request has begun.
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
            let _ = progress.send(Progress::Calling); // nobody may be waiting
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
