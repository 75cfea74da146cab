//! The state of the secret's cache. Only the methods here change it.

use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, timeout_at};

use super::fetch::{Failed, FetchError, Progress};
use super::moment::Moment;
use super::rechecks::Rechecks;
use super::{FETCH_TIMEOUT, FetchId, PROBE_INTERVAL, RETRY_INTERVAL, Secret};
use crate::process::WallClock;
use crate::rejection::NoSecret;

/// A fetch that is older than this was frozen. A fetch that was not frozen ends after [`FETCH_TIMEOUT`], or a
/// little later on a busy machine.
pub const FROZEN_AFTER: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(1));

#[derive(Debug)]
pub(super) struct State {
    wall_clock: WallClock,
    ttl: Duration,
    max_stale: Duration,
    cached: Option<Secret>,
    /// The last failure, if no fetch has succeeded after it.
    failure: Option<(FetchError, Moment)>,
    /// The last attempt that Secrets Manager denied or answered with an invalid value, if no fetch has
    /// succeeded after it.
    revoked_by: Option<(Instant, FetchId)>,
    /// When a request last waited for a fetch in an outage.
    last_probe: Option<Moment>,
    in_flight: Option<Fetch>,
    last_fetch: FetchId,
    pub(super) rechecks: Rechecks,
}

/// A fetch, for which any number of requests can wait.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) id: FetchId,
    began: Moment,
    recheck: bool,
    progress: Receiver<Progress>,
}

impl Clone for Fetch {
    /// A request that joins a running fetch gets only the progress messages that come later.
    fn clone(&self) -> Self {
        Self { progress: self.progress.resubscribe(), ..*self }
    }
}

impl Fetch {
    /// Waits until an attempt fails or the fetch ends. Returns whether that happened before the deadline.
    pub(super) async fn progresses_by(&mut self, deadline: Instant) -> bool {
        // `recv` fails if the fetch's task has ended or a message was missed, and both mean progress
        timeout_at(deadline, self.progress.recv()).await.is_ok()
    }

    /// Waits until the fetch ends. Returns whether that happened before the deadline.
    pub(super) async fn ends_by(&mut self, deadline: Instant) -> bool {
        let ended = async {
            while !matches!(
                self.progress.recv().await,
                Ok(Progress::Ended) | Err(RecvError::Closed)
            ) {}
        };
        timeout_at(deadline, ended).await.is_ok()
    }

    /// Whether the process was frozen during the fetch.
    fn was_frozen(&self) -> bool {
        self.began.elapsed() > FROZEN_AFTER
    }
}

impl State {
    pub(super) fn new(ttl: Duration, max_stale: Duration, wall_clock: WallClock) -> Self {
        Self {
            wall_clock,
            ttl,
            max_stale,
            cached: None,
            failure: None,
            revoked_by: None,
            last_probe: None,
            in_flight: None,
            last_fetch: FetchId::default(),
            rechecks: Rechecks::default(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        Moment::now(self.wall_clock)
    }

    /// The cached secret, if it is younger than its TTL, or if it was fetched after the request arrived. (A
    /// fetch may take longer than the TTL.)
    pub(super) fn fresh(&self, arrived: FetchId) -> Option<Secret> {
        let serves = |secret: &&Secret| secret.age() < self.ttl || secret.fetch >= arrived;
        self.cached.as_ref().filter(serves).cloned()
    }

    /// The cached secret, if it may be used while Secrets Manager is unreachable.
    pub(super) fn stale(&self) -> Option<Secret> {
        let serves = |secret: &&Secret| self.revoked_by.is_none() && secret.age() <= self.max_stale;
        self.cached.as_ref().filter(serves).cloned()
    }

    pub(super) fn newer_than(&self, saw: &Secret) -> Option<Secret> {
        self.cached.as_ref().filter(|cached| cached.fetch > saw.fetch).cloned()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self.failure, Some((FetchError::Unreachable, _)))
    }

    pub(super) fn failed_just_now(&self) -> bool {
        self.failure.is_some_and(|(_, at)| at.elapsed() < RETRY_INTERVAL)
    }

    /// Why the cache has no usable secret.
    pub(super) fn error(&self) -> NoSecret {
        self.failure.map_or(NoSecret::Unavailable, |(error, _)| error.into())
    }

    /// Whether this request may wait for a fetch in an outage. If it may, no other request may wait during the
    /// next [`PROBE_INTERVAL`].
    pub(super) fn may_probe(&mut self) -> bool {
        let may = self.last_probe.is_none_or(|at| at.elapsed() >= PROBE_INTERVAL);
        if may {
            self.last_probe = Some(self.now());
        }
        may
    }

    /// Records that a request stopped waiting for a fetch.
    pub(super) fn wait_timed_out(&mut self) {
        self.fail(FetchError::Unreachable);
    }

    fn fail(&mut self, error: FetchError) {
        let now = self.now();
        self.failure = Some((error, now));
        self.last_probe.get_or_insert(now);
    }

    pub(super) fn next_fetch(&self) -> FetchId {
        FetchId(self.last_fetch.0 + 1)
    }

    pub(super) fn begin(&mut self, recheck: bool, progress: Receiver<Progress>) -> Fetch {
        self.last_fetch = self.next_fetch();
        let fetch = Fetch { id: self.last_fetch, began: self.now(), recheck, progress };
        self.in_flight.insert(fetch).clone()
    }

    /// The fetch in flight, if it was not frozen.
    pub(super) fn in_flight(&self) -> Option<Fetch> {
        self.in_flight.as_ref().filter(|fetch| !fetch.was_frozen()).cloned()
    }

    /// The fetch in flight, if a recheck may wait for it. The fetch must be at least as new as `since`, or
    /// another request's recheck must have begun it less than [`RETRY_INTERVAL`] ago.
    pub(super) fn join_for_recheck(&mut self, since: FetchId) -> Option<Fetch> {
        let joined = self.in_flight()?;
        let fetch = self.in_flight.as_mut()?;
        let is_recent_recheck = fetch.recheck && fetch.began.elapsed() < RETRY_INTERVAL;
        let serves = fetch.id >= since || is_recent_recheck;
        fetch.recheck |= serves;
        serves.then_some(joined)
    }

    fn is_current(&self, id: FetchId) -> bool {
        self.in_flight().is_some_and(|fetch| fetch.id == id)
    }

    /// Records that an attempt of this fetch could not reach Secrets Manager.
    pub(super) fn attempt_failed(&mut self, id: FetchId) {
        if self.is_current(id) {
            self.fail(FetchError::Unreachable);
        }
    }

    /// Records the result of this fetch.
    pub(super) fn end(&mut self, fetch: &Fetch, outcome: Result<Secret, Failed>) {
        let ended = if self.is_current(fetch.id) { self.in_flight.take() } else { None };
        match outcome {
            Ok(secret) => self.keep(secret, ended.is_some_and(|fetch| fetch.recheck)),
            // the failure of a frozen fetch may be out of date
            Err(_) if fetch.was_frozen() => {}
            // a newer fetch has replaced this one, and shows whether Secrets Manager is reachable
            Err(Failed { error: FetchError::Unreachable, .. }) if ended.is_none() => {}
            Err(Failed { error, asked }) => {
                let asked = (asked, fetch.id);
                if self.cached.as_ref().is_some_and(|cached| cached.asked() > asked) {
                    return; // a later call has returned the secret
                }
                if error != FetchError::Unreachable {
                    self.revoked_by = self.revoked_by.max(Some(asked));
                }
                self.fail(error);
            }
        }
    }

    fn keep(&mut self, secret: Secret, recheck: bool) {
        let cached = self.cached.as_ref();
        let is_outdated = cached.is_some_and(|cached| cached.fetch > secret.fetch)
            || self.revoked_by.is_some_and(|by| by > secret.asked());
        if is_outdated {
            return;
        }
        if cached.is_none_or(|cached| cached.ring != secret.ring) {
            self.rechecks.restart();
        } else if recheck {
            let now = self.now();
            self.rechecks.unchanged(now);
        }
        self.rechecks.succeeded();
        self.cached = Some(secret);
        self.failure = None;
        self.revoked_by = None;
        self.last_probe = None;
    }
}
