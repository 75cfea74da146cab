//! Counts the results of the events in all schedules.

use std::fmt;
use std::ops::AddAssign;

#[derive(Default)]
pub struct Tally {
    pub schedules: usize,
    pub events: usize,
    pub accepted: usize,
    /// Verified events that were answered 503 and written to the log.
    pub undelivered: usize,
    /// Events that were answered 503 and held, because there was no secret to verify them.
    pub held: usize,
    /// Held events that were sent to the event queue: in all, and during the faults.
    pub released: usize,
    pub released_amid_faults: usize,
    /// Events that are not JW's and that stay in the held queue, or that were dropped because no
    /// secret can make them valid.
    pub kept: usize,
    pub dropped: usize,
    /// Events that were counted as lost: there was no secret, and the held queue did not accept the
    /// event.
    pub lost: usize,
    /// Requests that are not JW's and were refused.
    pub refused: usize,
    /// Requests that are not JW's and were answered 503, because the verdict needs the secret and
    /// there was no secret.
    pub not_told: usize,
    /// Messages that were sent again, because SQS queued them but did not answer in time.
    pub sent_again: usize,
}

impl Tally {
    /// Checks that the schedules produced enough events of every kind.
    pub fn is_of_every_kind(&self) {
        let at_least = |part: usize, percent: usize, what: &str| {
            assert!(part * 100 >= self.events * percent, "too few {what}: {self}");
        };
        at_least(self.accepted, 40, "accepted");
        at_least(self.undelivered, 2, "undelivered");
        at_least(self.held, 1, "held");
        at_least(self.released, 1, "released");
        // whether the held queue delivers a batch during a fault depends on the timing, so a short run
        // may have none
        let is_long = self.events >= 10_000;
        assert!(
            self.released_amid_faults > 0 || !is_long,
            "no held event is sent during the faults: {self}"
        );
        assert!(self.kept > 0, "no forged event stays held: {self}");
        assert!(self.dropped > 0, "no held event is dropped: {self}");
        assert!(
            self.lost > 0,
            "no event is lost while the secret and the held queue are unavailable: {self}"
        );
        at_least(self.refused, 15, "refused");
        at_least(self.sent_again, 1, "sent again");
        assert!(
            self.not_told > 0,
            "no forged request was sent during an outage of Secrets Manager: {self}"
        );
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.accepted += other.accepted;
        self.undelivered += other.undelivered;
        self.held += other.held;
        self.released += other.released;
        self.released_amid_faults += other.released_amid_faults;
        self.kept += other.kept;
        self.dropped += other.dropped;
        self.lost += other.lost;
        self.refused += other.refused;
        self.not_told += other.not_told;
        self.sent_again += other.sent_again;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} schedules, {} events: {} accepted ({} sent again), {} undelivered, \
             {} held ({} released, {} of them amid faults), {} lost, {} refused, {} forged and without a secret \
             ({} kept, {} dropped)",
            self.schedules,
            self.events,
            self.accepted,
            self.sent_again,
            self.undelivered,
            self.held,
            self.released,
            self.released_amid_faults,
            self.lost,
            self.refused,
            self.not_told,
            self.kept,
            self.dropped
        )
    }
}
