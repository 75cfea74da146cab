//! When it is worth while to look into the queue: each look costs a message one of the receives that
//! it has before it is dead-lettered.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How long SQS's count of waiting messages may take to become right (`GetQueueAttributes`: "at least
/// 1 minute after the producers stop sending messages").
const COUNT_LAG: Duration = Duration::from_secs(60);

/// How many messages are remembered as shown: more than fit between two looks at one of them.
const MAX_SHOWN: usize = 10_000;

/// What a look found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub total: usize,
    /// Those that weren't shown before.
    pub new: usize,
}

/// Whether the last look showed that there is nothing more to see, and how many messages waited then.
#[derive(Debug, Default)]
pub struct Looks(Option<(u64, Instant)>);

impl Looks {
    /// Whether there may be something new, when so many messages wait. A look into an empty queue
    /// costs nobody anything.
    pub fn is_worthwhile(&self, waiting: u64, now: Instant) -> bool {
        match self.0 {
            None => true,
            // a consumer may have taken it, or the count doesn't have it yet
            Some((0, at)) if waiting == 0 => now - at >= COUNT_LAG,
            Some((before, _)) => waiting != before,
        }
    }

    /// Takes note of what a look found when so many messages waited.
    pub fn looked(&mut self, waiting: u64, found: Found, now: Instant) {
        let all_seen = waiting > 0 && found.total as u64 >= waiting;
        let nothing_new = found.total > 0 && found.new == 0;
        self.0 = (all_seen || nothing_new).then_some((waiting, now));
    }
}

/// The messages that were shown, the latest of them.
#[derive(Debug, Default)]
pub struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Shown {
    /// Whether this one wasn't shown yet.
    pub fn insert(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MAX_SHOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_nobody_takes_is_not_received_over_and_over() {
        let began = Instant::now();
        let mut looks = Looks::default();
        assert!(looks.is_worthwhile(1, began));
        looks.looked(1, Found { total: 1, new: 1 }, began);
        assert!(!looks.is_worthwhile(1, began + 10 * COUNT_LAG));
        assert!(looks.is_worthwhile(2, began));
        assert!(looks.is_worthwhile(0, began));
    }

    #[test]
    fn an_empty_queue_is_watched_all_the_time() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(0, Found { total: 0, new: 0 }, began);
        assert!(looks.is_worthwhile(0, began));
    }

    #[test]
    fn a_backlog_is_looked_at_until_a_look_finds_nothing_new() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(40, Found { total: 10, new: 10 }, began);
        assert!(looks.is_worthwhile(40, began));
        looks.looked(40, Found { total: 10, new: 0 }, began);
        assert!(!looks.is_worthwhile(40, began + COUNT_LAG));
    }

    #[test]
    fn a_count_that_lags_costs_a_message_one_look_a_minute() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(0, Found { total: 1, new: 1 }, began);
        assert!(looks.is_worthwhile(0, began));
        looks.looked(0, Found { total: 1, new: 0 }, began);
        assert!(!looks.is_worthwhile(0, began + COUNT_LAG - Duration::from_millis(1)));
        assert!(looks.is_worthwhile(0, began + COUNT_LAG));
    }

    #[test]
    fn what_is_remembered_as_shown_has_a_bound() {
        let mut shown = Shown::default();
        for id in 0..=MAX_SHOWN {
            assert!(shown.insert(&id.to_string()));
        }
        assert!(!shown.insert("1"));
        assert!(shown.insert("0"));
        assert_eq!((shown.ids.len(), shown.order.len()), (MAX_SHOWN, MAX_SHOWN));
    }
}
