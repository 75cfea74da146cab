//! Decides when to look at the queue. Each look counts as a receive, and SQS moves a message to the
//! dead-letter queue after a number of receives.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How long SQS's count of waiting messages may be wrong (`GetQueueAttributes`: "at least 1 minute after
/// the producers stop sending messages").
const COUNT_LAG: Duration = Duration::from_secs(60);

/// How many messages are remembered as shown: more than arrive between two looks at the same message.
const MAX_SHOWN: usize = 10_000;

/// The result of a look.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub total: usize,
    /// Messages that were not shown before.
    pub new: usize,
}

/// The number of waiting messages at the last look, and the time of that look. `None` if another look
/// may show more messages.
#[derive(Debug, Default)]
pub struct Looks(Option<(u64, Instant)>);

impl Looks {
    /// Whether a look may find a new message, now that this many messages wait. A look at an empty
    /// queue costs no receive.
    pub fn is_worthwhile(&self, waiting: u64, now: Instant) -> bool {
        match self.0 {
            None => true,
            // a consumer may have had the message that the last look found, or SQS's count lags
            Some((0, at)) if waiting == 0 => now - at >= COUNT_LAG,
            Some((before, _)) => waiting != before,
        }
    }

    /// Records the result of a look at this many waiting messages.
    pub fn looked(&mut self, waiting: u64, found: Found, now: Instant) {
        let all_seen = waiting > 0 && found.total as u64 >= waiting;
        let nothing_new = found.total > 0 && found.new == 0;
        self.0 = (all_seen || nothing_new).then_some((waiting, now));
    }
}

/// The ids of the messages that were shown last.
#[derive(Debug, Default)]
pub struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Shown {
    /// Adds a message, and returns whether it is new.
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
    fn message_that_nobody_consumes_is_received_once() {
        let began = Instant::now();
        let mut looks = Looks::default();
        assert!(looks.is_worthwhile(1, began));
        looks.looked(1, Found { total: 1, new: 1 }, began);
        assert!(!looks.is_worthwhile(1, began + 10 * COUNT_LAG));
        assert!(looks.is_worthwhile(2, began));
        assert!(looks.is_worthwhile(0, began));
    }

    #[test]
    fn empty_queue_is_always_worth_a_look() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(0, Found { total: 0, new: 0 }, began);
        assert!(looks.is_worthwhile(0, began));
    }

    #[test]
    fn backlog_is_read_until_a_look_finds_nothing_new() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(40, Found { total: 10, new: 10 }, began);
        assert!(looks.is_worthwhile(40, began));
        looks.looked(40, Found { total: 10, new: 0 }, began);
        assert!(!looks.is_worthwhile(40, began + COUNT_LAG));
    }

    #[test]
    fn lagging_count_costs_a_message_one_receive_a_minute() {
        let began = Instant::now();
        let mut looks = Looks::default();
        looks.looked(0, Found { total: 1, new: 1 }, began);
        assert!(looks.is_worthwhile(0, began));
        looks.looked(0, Found { total: 1, new: 0 }, began);
        assert!(!looks.is_worthwhile(0, began + COUNT_LAG - Duration::from_millis(1)));
        assert!(looks.is_worthwhile(0, began + COUNT_LAG));
    }

    #[test]
    fn number_of_remembered_messages_is_bounded() {
        let mut shown = Shown::default();
        for id in 0..=MAX_SHOWN {
            assert!(shown.insert(&id.to_string()));
        }
        assert!(!shown.insert("1"));
        assert!(shown.insert("0"));
        assert_eq!((shown.ids.len(), shown.order.len()), (MAX_SHOWN, MAX_SHOWN));
    }
}
