//! How time changes a state, and which states are faults.

use super::operator::{self, Run};
use super::{
    Action, Command, Fault, Flaw, Model, OLD, OPERATORS, REPLACEMENTS, Ring, SINGLE, State, Webhook,
};

impl Model {
    /// The initial states, in which the secret has not changed for a long time.
    pub(super) fn starts(&self) -> Vec<State> {
        let state = |old, secret: Ring, held| State {
            webhooks: [old, Webhook::Absent, Webhook::Absent, Webhook::Absent],
            secret,
            unchanged_for: self.times.settle,
            lacked: [self.longest_without() + 1, 0, 0, 0],
            held,
            runs: [None; OPERATORS],
        };
        let live = Webhook::Live { since: self.times.lag + 1 };
        match self.command {
            Command::Rotate => {
                vec![state(live, Ring::of(OLD), Some(0)), state(live, SINGLE, Some(0))]
            }
            Command::Create => {
                vec![State {
                    lacked: [0; 1 + REPLACEMENTS],
                    ..state(Webhook::Absent, Ring::EMPTY, None)
                }]
            }
        }
    }

    /// How long a function may use a cached secret that lacks the key of an event's webhook. An
    /// attacker can time the pauses between rechecks, so the longest pause may follow any fetch.
    fn longest_without(&self) -> u8 {
        self.times.ttl.min(self.times.pause)
    }

    /// All possible next states.
    pub(super) fn next(&self, state: &State) -> Vec<(Action, State)> {
        let mut next = Vec::new();
        if !state.runs.iter().flatten().any(Run::is_urgent) || self.flaw == Some(Flaw::Suspended) {
            next.push((Action::Tick, self.tick(state)));
        }
        for operator in 0..self.operators {
            operator::next(self, state, operator, &mut next);
        }
        next
    }

    pub(super) fn tick(&self, state: &State) -> State {
        let times = &self.times;
        let mut after = *state;
        let older = |age: u8, longest: u8| (age + 1).min(longest);
        for webhook in &mut after.webhooks {
            *webhook = match *webhook {
                Webhook::Live { since } => Webhook::Live { since: older(since, times.lag + 1) },
                Webhook::Gone { since } if since >= times.lag + times.delay => Webhook::Absent,
                Webhook::Gone { since } => Webhook::Gone { since: since + 1 },
                other => other,
            };
        }
        after.unchanged_for = older(state.unchanged_for, times.settle);
        for (webhook, ago) in after.lacked.iter_mut().enumerate() {
            *ago =
                if state.secret.has(webhook) { older(*ago, self.longest_without() + 1) } else { 0 };
        }
        after.held = match state.held {
            _ if may_send(&after, OLD) => Some(0),
            held => held.map(|ago| older(ago, times.count_lag + 1)),
        };
        for run in after.runs.iter_mut().flatten() {
            run.tick();
        }
        after
    }

    pub(super) fn fault(&self, state: &State) -> Option<Fault> {
        let webhooks = 0..=REPLACEMENTS;
        let live = |webhook: usize| matches!(state.webhooks[webhook], Webhook::Live { .. });
        if webhooks.clone().any(|webhook| live(webhook) && !state.secret.has(webhook)) {
            return Some(Fault::KeyLost);
        }
        let refuses = |webhook: usize| {
            !state.secret.has(webhook) || state.lacked[webhook] <= self.longest_without()
        };
        if webhooks.clone().any(|webhook| may_send(state, webhook) && refuses(webhook)) {
            return Some(Fault::Refused);
        }
        // a change of the old webhook takes effect at once or after the lag, whichever is worse
        let surely_sends = |webhook: usize| match state.webhooks[webhook] {
            Webhook::Live { since } => webhook == OLD || since > self.times.lag,
            _ => false,
        };
        if self.command == Command::Rotate && !webhooks.clone().any(surely_sends) {
            return Some(Fault::Missed);
        }
        (state.held.is_some() && !state.secret.has(OLD)).then_some(Fault::HeldForEver)
    }
}

/// Whether an event of this webhook may arrive now.
fn may_send(state: &State, webhook: usize) -> bool {
    matches!(state.webhooks[webhook], Webhook::Live { .. } | Webhook::Gone { .. })
}
