//! Checks that one operator who runs the command again and again reaches the final state.

use std::collections::HashMap;

use super::{Command, Model, OLD, OPERATORS, REPLACEMENTS, Ring, State, Webhook, operator};

/// The most runs that may be necessary to reach the final state, from any state.
const MAX_RUNS: usize = 4;

/// The most moves in a run. No run needs as many.
const MAX_MOVES: usize = 1000;

/// For each state of JW and the secret so far: whether it reaches the final state. Nothing else
/// matters, because all earlier runs have died and all late events have arrived.
#[derive(Debug)]
pub(super) struct Ends {
    model: Model,
    known: HashMap<([Webhook; 1 + REPLACEMENTS], Ring), bool>,
}

impl Ends {
    /// The runs of this check may create one more webhook than the runs before the check.
    pub(super) fn new(model: &Model) -> Self {
        Self { model: Model { places: REPLACEMENTS, ..model.clone() }, known: HashMap::new() }
    }

    pub(super) fn reached(&mut self, state: &State) -> bool {
        let calm = calm(&self.model, state);
        let observed = (calm.webhooks, calm.secret);
        *self.known.entry(observed).or_insert_with(|| ends(&self.model, calm))
    }
}

fn ends(model: &Model, mut state: State) -> bool {
    for _ in 0..MAX_RUNS {
        if is_final(model, &state) {
            return true;
        }
        let before = (state.webhooks, state.secret);
        state = calm(model, &run(model, state));
        if (state.webhooks, state.secret) == before {
            decide(&mut state);
        }
    }
    is_final(model, &state)
}

/// The state after all runs have died and time has passed.
fn calm(model: &Model, state: &State) -> State {
    let webhooks = state.webhooks.map(|webhook| match webhook {
        Webhook::Live { .. } => Webhook::Live { since: model.times.lag + 1 },
        Webhook::Gone { .. } => Webhook::Absent,
        other => other,
    });
    State {
        webhooks,
        secret: state.secret,
        unchanged_for: model.times.settle,
        lacked: state.lacked,
        held: None,
        runs: [None; OPERATORS],
    }
}

/// The state after one whole run.
fn run(model: &Model, mut state: State) -> State {
    for _ in 0..MAX_MOVES {
        state = match operator::proceed(model, &state, 0) {
            Some((_, after)) => after,
            None => model.tick(&state),
        };
        if state.runs[0].is_none() {
            break;
        }
    }
    state
}

/// If two webhooks could be the replacement, deletes one of them, as `jwhook` tells the operator to do.
fn decide(state: &mut State) {
    let with_key =
        |webhook: &usize| state.webhooks[*webhook] != Webhook::Absent && state.secret.has(*webhook);
    let candidates: Vec<usize> = (1..=REPLACEMENTS).filter(with_key).collect();
    if let [_, .., last] = candidates.as_slice() {
        state.webhooks[*last] = Webhook::Absent;
        state.secret = state.secret.without(*last);
    }
}

fn is_final(model: &Model, state: &State) -> bool {
    let is_live = |webhook: usize| matches!(state.webhooks[webhook], Webhook::Live { .. });
    let is_replaced = (1..=REPLACEMENTS).any(|new| is_live(new) && state.secret.has(new));
    let is_over = !is_live(OLD) && !state.secret.has(OLD);
    is_replaced && (is_over || model.command == Command::Create)
}
