//! Limits how often requests that do not verify cause a fetch, for the whole process. A flood of forged
//! requests must not become a flood of calls to Secrets Manager.

use std::time::Duration;

use super::RETRY_INTERVAL;
use super::moment::Moment;

/// The pauses after rechecks in a row that returned the same value; the last pause repeats. A webhook's
/// first event may arrive just before its key is stored, so the first pauses are short.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    LONGEST_PAUSE,
];

/// The longest pause: for this time an instance of the function may refuse a webhook's events although the
/// webhook's key has been stored.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After this time without a request that does not verify, the pauses start again at the first.
const FORGET_AFTER: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(super) struct Rechecks {
    /// How many rechecks in a row returned the same value.
    unchanged: usize,
    /// When the last of them ended.
    ended: Option<Moment>,
    last_failure: Option<Moment>,
    last_request: Option<Moment>,
}

impl Rechecks {
    /// A request did not verify.
    pub(super) fn requested(&mut self, now: Moment) {
        if self.last_request.is_some_and(|last| last.elapsed() >= FORGET_AFTER) {
            self.restart();
        }
        self.last_request = Some(now);
    }

    /// Whether the pause after the last recheck is not over.
    pub(super) fn paused(&self) -> bool {
        let pause = self.unchanged.checked_sub(1).map(|last| PAUSES[last.min(PAUSES.len() - 1)]);
        pause.zip(self.ended).is_some_and(|(pause, ended)| ended.elapsed() < pause)
    }

    /// A recheck returned the same value again.
    pub(super) fn unchanged(&mut self, now: Moment) {
        self.unchanged += 1;
        self.ended = Some(now);
    }

    /// The value has changed.
    pub(super) fn restart(&mut self) {
        self.unchanged = 0;
    }

    /// A recheck failed.
    pub(super) fn failed(&mut self, now: Moment) {
        self.last_failure = Some(now);
    }

    /// A fetch succeeded.
    pub(super) fn succeeded(&mut self) {
        self.last_failure = None;
    }

    pub(super) fn failed_just_now(&self) -> bool {
        self.last_failure.is_some_and(|at| at.elapsed() < RETRY_INTERVAL)
    }
}
