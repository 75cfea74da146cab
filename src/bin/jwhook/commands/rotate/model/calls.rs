//! The effect of each step's calls on JW and on the secret.

use super::operator::{ROLL_BACK, Run, call, leave};
use super::plan::Task;
use super::{Flaw, Model, OLD, REPLACEMENTS, Ring, State, Webhook};

/// A call of a step.
pub(super) struct Call<'m> {
    pub(super) model: &'m Model,
    pub(super) operator: usize,
    pub(super) run: Run,
    pub(super) done: u8,
    pub(super) seen: Ring,
}

type Done = Option<(&'static str, State)>;

impl Call<'_> {
    pub(super) fn perform(&self, mut state: State) -> Done {
        match self.model.task(&self.run)? {
            Task::MakeRing => self.make_ring(state),
            Task::DeleteOrphan(orphan) => self.delete_orphan(state, orphan),
            Task::CreateParked => self.create_parked(state),
            Task::Activate => self.activate(state),
            Task::DeleteOld => self.delete_old(state),
            // SQS's count misses only the newest held events
            Task::AwaitHeld => {
                state.held = state.held.filter(|ago| *ago <= self.model.times.count_lag);
                self.leave("counts no held event", state)
            }
            Task::RemoveKey => self.edit(state, "removes the old key", |ring| ring.without(OLD)),
            Task::Settle(_) | Task::Overlap(_) | Task::Grace(_) => None,
        }
    }

    fn make_ring(&self, state: State) -> Done {
        let callers =
            (0..=REPLACEMENTS).filter(|&one| matches!(state.webhooks[one], Webhook::Live { .. }));
        if state.secret.is_single() && callers.collect::<Vec<_>>() != [OLD] {
            return self.end("ends: the single key may be another webhook's", state);
        }
        self.edit(state, "turns the single key into a ring", Ring::keys)
    }

    fn delete_orphan(&self, mut state: State, orphan: usize) -> Done {
        match (self.done, state.webhooks[orphan]) {
            (0, Webhook::Parked) => self.then(1, "finds an orphan", state),
            (0, Webhook::Live { .. }) => self.end("ends: the orphan is in use", state),
            (0, _) => self.leave("finds that the orphan is deleted", state),
            (1, _) if state.secret.has(orphan) => {
                self.end("ends: the orphan's key has been stored", state)
            }
            (1, _) => self.then(2, "finds no key of the orphan", state),
            _ => {
                delete(&mut state, orphan);
                self.leave("deletes the orphan", state)
            }
        }
    }

    fn create_parked(&self, mut state: State) -> Done {
        let new = usize::from(self.run.new);
        match self.done {
            0 => {
                let Some(new) = free(self.model, &state) else {
                    return self.end("ends: JW refuses another webhook", state);
                };
                state.webhooks[new] = Webhook::Parked;
                call(&mut state, self.operator, 1, Ring::EMPTY, false);
                if let Some(run) = &mut state.runs[self.operator] {
                    run.new = u8::try_from(new).unwrap();
                }
                Some(("creates the new webhook, parked", state))
            }
            ROLL_BACK => {
                delete(&mut state, new);
                self.end("deletes the webhook that it created", state)
            }
            _ => self.edit(state, "stores the new key", |ring| ring.keys().with(new)),
        }
    }

    fn activate(&self, mut state: State) -> Done {
        let new = usize::from(self.run.new);
        match (self.done, state.webhooks[new]) {
            (0, _) if !has_key(&state, new) => self.end("ends: the new key is gone", state),
            (0, _) => self.then(1, "finds the new key in the ring", state),
            (_, Webhook::Parked) => {
                state.webhooks[new] = Webhook::Live { since: 0 };
                self.leave("makes the new webhook call the endpoint", state)
            }
            (_, Webhook::Live { .. }) => self.leave("finds that the new webhook is live", state),
            _ => self.end("ends: the new webhook is gone", state),
        }
    }

    fn delete_old(&self, mut state: State) -> Done {
        let new = usize::from(self.run.new);
        match (self.done, state.webhooks[new]) {
            (0, Webhook::Live { .. }) => self.then(1, "finds that the new webhook is live", state),
            (0, _) => self.end("ends: the new webhook does not call the endpoint", state),
            (1, _) if !has_key(&state, new) => self.end("ends: the new key is gone", state),
            (1, _) => self.then(2, "finds the new key in the ring", state),
            _ => {
                delete(&mut state, OLD);
                self.leave("deletes the old webhook", state)
            }
        }
    }

    /// Reads the ring and changes it. If another run has changed the ring meanwhile, reads the ring again.
    fn edit(&self, mut state: State, what: &'static str, edit: impl Fn(Ring) -> Ring) -> Done {
        let reads = if self.model.task(&self.run) == Some(Task::CreateParked) { 1 } else { 0 };
        if self.done == reads {
            let seen = state.secret;
            call(&mut state, self.operator, reads + 1, seen, false);
            return Some(("reads the secret", state));
        }
        if state.secret != self.seen && self.model.flaw != Some(Flaw::NoCompareAndSwap) {
            call(&mut state, self.operator, reads, Ring::EMPTY, false);
            return Some(("finds that the secret was changed meanwhile", state));
        }
        let edited = edit(self.seen);
        if edited != state.secret {
            state.secret = edited;
            state.unchanged_for = 0;
        }
        self.leave(what, state)
    }

    /// Continues with the next call of this step, which depends on the result of this call.
    fn then(&self, done: u8, what: &'static str, mut state: State) -> Done {
        call(&mut state, self.operator, done, Ring::EMPTY, true);
        Some((what, state))
    }

    fn leave(&self, what: &'static str, mut state: State) -> Done {
        leave(self.model, &mut state, self.operator);
        Some((what, state))
    }

    fn end(&self, what: &'static str, mut state: State) -> Done {
        state.runs[self.operator] = None;
        Some((what, state))
    }
}

/// Whether the secret is a ring that has the webhook's key. A single key does not name its webhook.
fn has_key(state: &State, webhook: usize) -> bool {
    state.secret.has(webhook) && !state.secret.is_single()
}

fn delete(state: &mut State, webhook: usize) {
    state.webhooks[webhook] = match state.webhooks[webhook] {
        Webhook::Live { .. } => Webhook::Gone { since: 0 },
        Webhook::Parked => Webhook::Absent,
        other => other,
    };
}

/// An index for a new webhook. Nothing refers to this index any more.
fn free(model: &Model, state: &State) -> Option<usize> {
    let is_known =
        |place: usize| {
            state.secret.has(place)
                || state.webhooks[place] != Webhook::Absent
                || state.runs.iter().flatten().any(|run| {
                    usize::from(run.new) == place || model.planner.deletes(run.plan, place)
                })
        };
    (1..=model.places).find(|&place| !is_known(place))
}
