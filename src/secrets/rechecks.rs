//! Limits how often the secret is fetched because a request failed the verification. The limit is for the
//! whole process, because a flood of forged requests must not cause a flood of calls to Secrets Manager.

use std::time::Duration;

use super::RETRY_INTERVAL;
use super::moment::Moment;

/// The pause after the first, second, … recheck in a row that returned the same value. The last pause repeats.
/// A webhook's first event may arrive just before its key is stored, so the first pauses are short.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    LONGEST_PAUSE,
];

/// The longest pause. After a webhook's key is stored, an instance of the function may refuse the webhook's
/// events for up to this time.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// If every request verifies during this time, the pauses start again at the first.
const FORGET_AFTER: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(super) struct Rechecks {
    /// How many rechecks in a row returned the same value.
    unchanged: usize,
    /// When the last recheck that returned the same value ended.
    ended: Option<Moment>,
    last_failure: Option<Moment>,
    last_request: Option<Moment>,
}

impl Rechecks {
    /// Records that a request did not verify.
    pub(super) fn requested(&mut self, now: Moment) {
        if self.last_request.is_some_and(|last| last.elapsed() >= FORGET_AFTER) {
            self.restart();
        }
        self.last_request = Some(now);
    }

    /// Whether the process is still in the pause after the last recheck.
    pub(super) fn paused(&self) -> bool {
        let pause = self.unchanged.checked_sub(1).map(|last| PAUSES[last.min(PAUSES.len() - 1)]);
        pause.zip(self.ended).is_some_and(|(pause, ended)| ended.elapsed() < pause)
    }

    /// Records that a recheck returned the same value again.
    pub(super) fn unchanged(&mut self, now: Moment) {
        self.unchanged += 1;
        self.ended = Some(now);
    }

    /// Starts again at the first pause, for example because the value has changed.
    pub(super) fn restart(&mut self) {
        self.unchanged = 0;
    }

    /// Records that a recheck failed.
    pub(super) fn failed(&mut self, now: Moment) {
        self.last_failure = Some(now);
    }

    /// Records that a fetch succeeded.
    pub(super) fn succeeded(&mut self) {
        self.last_failure = None;
    }

    pub(super) fn failed_just_now(&self) -> bool {
        self.last_failure.is_some_and(|at| at.elapsed() < RETRY_INTERVAL)
    }
}
