//! An operator's runs: they start, ask, wait, and die.
//!
//! A failed run is the same as a dead one, except that a run which cannot store the new key deletes the
//! webhook that it created.

use super::calls::Call;
use super::plan::Task;
use super::{Action, Model, Ring, State};

/// A run in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Run {
    pub(super) phase: Phase,
    pub(super) plan: u16,
    pub(super) step: u8,
    /// The replacement's index, or 0 before there is a replacement.
    pub(super) new: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The run has read the secret, and reads JW's webhooks next.
    Looking {
        secret: Ring,
    },
    /// The run's question is open, for any length of time.
    Asking,
    Waiting {
        left: u8,
    },
    /// The run makes the calls of a step. `done` calls are done. The next call is urgent if it depends
    /// on the result of the last call: then no time passes before it.
    Calling {
        done: u8,
        seen: Ring,
        urgent: bool,
    },
}

impl Run {
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self.phase, Phase::Looking { .. } | Phase::Calling { urgent: true, .. })
    }

    pub(super) fn tick(&mut self) {
        if let Phase::Waiting { left } = &mut self.phase {
            *left = left.saturating_sub(1);
        }
    }
}

/// All possible next actions of this operator.
pub(super) fn next(model: &Model, state: &State, operator: usize, next: &mut Vec<(Action, State)>) {
    let mut push = |what, after| next.push((Action::Operator(operator, what), after));
    if let Some((what, after)) = proceed(model, state, operator) {
        push(what, after);
    }
    if let Some(run) = &state.runs[operator] {
        let mut dead = *state;
        dead.runs[operator] = None;
        push("dies", dead);
        let storing = match run.phase {
            Phase::Calling { done, .. } => {
                (model.task(run) == Some(Task::CreateParked)).then_some(done)
            }
            _ => None,
        };
        // calls without a response: they may or may not have had an effect
        match storing {
            Some(0) => {
                if let Some((_, mut after)) = proceed(model, state, operator) {
                    call(&mut after, operator, ROLL_BACK, Ring::EMPTY, true);
                    push("creates the new webhook and gets no response", after);
                }
            }
            Some(1 | 2) => {
                let mut after = *state;
                call(&mut after, operator, ROLL_BACK, Ring::EMPTY, true);
                push("cannot store the key", after);
                if let (Some(2), Some((_, mut after))) = (storing, proceed(model, state, operator))
                {
                    after.runs[operator] = Some(*run);
                    call(&mut after, operator, ROLL_BACK, Ring::EMPTY, true);
                    push("stores the key but gets an error", after);
                }
            }
            _ => {}
        }
    }
}

/// The call that deletes a webhook whose key could not be stored.
pub(super) const ROLL_BACK: u8 = 3;

pub(super) fn call(state: &mut State, operator: usize, done: u8, seen: Ring, urgent: bool) {
    if let Some(run) = &mut state.runs[operator] {
        run.phase = Phase::Calling { done, seen, urgent };
    }
}

/// The operator's next action if nothing fails. `None` while a run waits.
pub(super) fn proceed(
    model: &Model,
    state: &State,
    operator: usize,
) -> Option<(&'static str, State)> {
    let mut after = *state;
    let Some(run) = state.runs[operator] else {
        let phase = Phase::Looking { secret: state.secret };
        after.runs[operator] = Some(Run { phase, plan: 0, step: 0, new: 0 });
        return Some(("begins and reads the secret", after));
    };
    let what = match run.phase {
        Phase::Looking { secret } => {
            let plan = model.planner.plan(state, secret);
            after.runs[operator] = plan.map(|plan| Run {
                phase: Phase::Asking,
                plan: plan.number,
                step: 0,
                new: u8::try_from(plan.new).unwrap(),
            });
            if plan.is_some() { "finds what is left to do" } else { "ends: there is nothing to do" }
        }
        Phase::Asking => {
            enter(model, &mut after, operator);
            "gets the answer yes"
        }
        Phase::Waiting { left: 0 } => {
            leave(model, &mut after, operator);
            "has waited"
        }
        Phase::Waiting { .. } => return None,
        Phase::Calling { done, seen, .. } => {
            let step = Call { model, operator, run, done, seen };
            return step.perform(after);
        }
    };
    Some((what, after))
}

/// Starts the run's current step.
fn enter(model: &Model, state: &mut State, operator: usize) {
    let unchanged_for = state.unchanged_for;
    let Some(run) = &mut state.runs[operator] else { return };
    run.phase = match model.planner.task(run.plan, run.step) {
        None => {
            state.runs[operator] = None;
            return;
        }
        Some(Task::Settle(planned)) => {
            let left = model.times.settle.saturating_sub(unchanged_for);
            Phase::Waiting { left: planned.max(left) }
        }
        Some(Task::Overlap(left) | Task::Grace(left)) => Phase::Waiting { left },
        // the wait before an orphan is deleted is left out, because another run may take longer than
        // this wait
        Some(_) => Phase::Calling { done: 0, seen: Ring::EMPTY, urgent: false },
    };
}

pub(super) fn leave(model: &Model, state: &mut State, operator: usize) {
    if let Some(run) = &mut state.runs[operator] {
        run.step += 1;
    }
    enter(model, state, operator);
}
