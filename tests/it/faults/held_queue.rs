//! The held queue and its event source mapping, without a visibility timeout: a message that stays
//! is delivered again in the next batch.

use super::schedule::Schedule;
use crate::support::{Batch, Function, Record, Shared, one_second_passes, seconds};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Lambda's largest batch when the event source mapping has no batching window.
const BATCH_SIZE: usize = 10;

/// The most times that the held messages are delivered after the last outage. A correct function
/// needs fewer.
const MOST_ROUNDS: usize = 8;

/// Lambda's timeout for a batch after the faults are over.
const WITHIN: Duration = seconds(30);

pub struct HeldQueue {
    sqs: Arc<Shared>,
    /// How many of the messages in SQS have been received.
    received: Cell<usize>,
    /// Messages that were received but not deleted.
    waiting: RefCell<VecDeque<String>>,
    left: RefCell<Left>,
}

/// The messages that left the held queue.
#[derive(Clone, Default)]
pub struct Left {
    pub sent: usize,
    pub dropped: usize,
    /// Batches whose log lines contradict the function's answer.
    pub odd: Vec<String>,
}

impl HeldQueue {
    pub fn of(sqs: Arc<Shared>) -> Self {
        Self {
            sqs,
            received: Cell::default(),
            waiting: RefCell::default(),
            left: RefCell::default(),
        }
    }

    pub fn left(&self) -> Left {
        self.left.borrow().clone()
    }

    /// The tokens in the queue.
    pub fn tokens(&self) -> Vec<String> {
        let mut waiting = self.waiting.borrow_mut();
        let sent = self.sqs.state().held.clone();
        waiting.extend(
            sent.iter().skip(self.received.replace(sent.len())).map(|held| held.body.clone()),
        );
        waiting.iter().cloned().collect()
    }

    /// If the held queue has messages, delivers a batch.
    pub async fn deliver(&self, schedule: &Schedule, function: &Function, within: Duration) {
        let mut tokens = self.tokens();
        tokens.truncate(BATCH_SIZE);
        if tokens.is_empty() {
            return;
        }
        self.waiting.borrow_mut().drain(..tokens.len());
        let numbered =
            || tokens.iter().enumerate().map(|(number, token)| (number.to_string(), token));
        let records = numbered().map(|(id, token)| Record::new(&id, token));
        let batch = function.deliver(records).within(within).await;
        let (stay, left): (Vec<_>, Vec<_>) = numbered().partition(|(id, _)| batch.keeps(id));
        self.waiting.borrow_mut().extend(stay.into_iter().map(|(_, token)| token.clone()));
        let sent = left.iter().filter(|(_, token)| schedule.is_jws(token)).count();
        self.count(&batch, sent, left.len() - sent);
    }

    fn count(&self, batch: &Batch, sent: usize, dropped: usize) {
        let mut left = self.left.borrow_mut();
        let verdicts = batch.verdicts();
        let logged =
            |outcome| verdicts.iter().filter(|verdict| verdict.starts_with(outcome)).count();
        if (logged("accepted"), logged("refused")) != (sent, dropped) {
            left.odd.push(format!(
                "{sent} of JW's events and {dropped} others left the held queue: {batch:?}"
            ));
        }
        left.sent += sent;
        left.dropped += dropped;
    }

    /// Delivers all messages repeatedly, until no secret verifies any message that is left.
    pub async fn drain(&self, schedule: &Schedule, function: &Function) {
        for _ in 0..MOST_ROUNDS {
            let tokens = self.tokens();
            for _ in tokens.chunks(BATCH_SIZE) {
                self.deliver(schedule, function, WITHIN).await;
            }
            if self.tokens().iter().all(|token| schedule.is_forged(token)) {
                return;
            }
            one_second_passes().await;
        }
    }
}
