//! The remaining steps of a run, computed by the code under test.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::super::state::judge;
use super::super::steps::{Step, Waits, left};
use super::{Command, Flaw, OLD, REPLACEMENTS, Ring, State, Times, Webhook};
use crate::endpoint::Endpoint;
use crate::held_keys::DropHeld;
use crate::jw;
use crate::keys::KeyStatus;

const ENDPOINT: &str = "https://abc123.execute-api.eu-west-1.amazonaws.com/webhooks/jwplayer";
const IDS: [&str; 1 + REPLACEMENTS] = ["old00000", "new00001", "new00002", "new00003"];

/// A [`Step`] with ticks instead of seconds, and with the webhook's index instead of its id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    MakeRing,
    DeleteOrphan(usize),
    CreateParked,
    Settle(u8),
    Activate,
    Overlap(u8),
    DeleteOld,
    Grace(u8),
    AwaitHeld,
    RemoveKey,
}

impl Task {
    fn of(step: &Step) -> Self {
        let ticks = |seconds: &u64| u8::try_from(*seconds).unwrap();
        match step {
            Step::MakeRing => Self::MakeRing,
            Step::DeleteOrphan { webhook_id } => Self::DeleteOrphan(place(webhook_id)),
            Step::CreateParked => Self::CreateParked,
            Step::Settle { seconds } => Self::Settle(ticks(seconds)),
            Step::Activate => Self::Activate,
            Step::Overlap { seconds } => Self::Overlap(ticks(seconds)),
            Step::DeleteOld => Self::DeleteOld,
            Step::Grace { seconds } => Self::Grace(ticks(seconds)),
            Step::AwaitHeld => Self::AwaitHeld,
            Step::DropHeld => unreachable!("no run of the model drops held events"),
            Step::RemoveKey => Self::RemoveKey,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MakeRing => "make_ring",
            Self::DeleteOrphan(_) => "delete_orphan",
            Self::CreateParked => "create_parked",
            Self::Settle(_) => "settle",
            Self::Activate => "activate",
            Self::Overlap(_) => "overlap",
            Self::DeleteOld => "delete_old",
            Self::Grace(_) => "grace",
            Self::AwaitHeld => "await_held",
            Self::RemoveKey => "remove_key",
        }
    }
}

fn place(id: &str) -> usize {
    IDS.iter().position(|known| *known == id).unwrap()
}

/// A plan: the number of its list of steps, and the replacement's index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) number: u16,
    pub(super) new: usize,
}

/// Caches plans. `None` means that the run fails before it changes anything.
#[derive(Clone, Debug)]
pub(super) struct Planner {
    command: Command,
    waits: Waits,
    flaw: Option<Flaw>,
    known: RefCell<HashMap<Observed, Option<Plan>>>,
    plans: RefCell<Vec<Vec<Task>>>,
}

/// What a run reads before it plans.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Observed {
    at_jw: [Seen; 1 + REPLACEMENTS],
    secret: Ring,
    unchanged_for: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Seen {
    Absent,
    Parked,
    Live,
}

impl Planner {
    pub(super) fn new(command: Command, times: Times, flaw: Option<Flaw>) -> Self {
        let ticks = |ticks: u8| Duration::from_secs(ticks.into());
        let waits = Waits {
            settle: ticks(times.settle),
            overlap: ticks(times.overlap),
            grace: ticks(times.grace),
            held: DropHeld { drop_held: false },
        };
        let (known, plans) = (RefCell::default(), RefCell::default());
        Self { command, waits, flaw, known, plans }
    }

    /// The plan of a run that has read this value of the secret and now reads JW's webhooks.
    pub(super) fn plan(&self, state: &State, secret: Ring) -> Option<Plan> {
        let at_jw = state.webhooks.map(|webhook| match webhook {
            Webhook::Absent | Webhook::Gone { .. } => Seen::Absent,
            Webhook::Parked => Seen::Parked,
            Webhook::Live { .. } => Seen::Live,
        });
        let observed = Observed { at_jw, secret, unchanged_for: state.unchanged_for };
        *self.known.borrow_mut().entry(observed).or_insert_with(|| {
            let (mut tasks, new) = match self.command {
                Command::Rotate => self.rotate(&observed)?,
                Command::Create => create(&observed)?,
            };
            self.apply_flaw(&mut tasks);
            let mut plans = self.plans.borrow_mut();
            let number = plans.iter().position(|plan| *plan == tasks).unwrap_or_else(|| {
                plans.push(tasks);
                plans.len() - 1
            });
            Some(Plan { number: u16::try_from(number).unwrap(), new })
        })
    }

    pub(super) fn task(&self, plan: u16, step: u8) -> Option<Task> {
        self.plans.borrow()[usize::from(plan)].get(usize::from(step)).copied()
    }

    /// Whether the plan deletes this orphan.
    pub(super) fn deletes(&self, plan: u16, orphan: usize) -> bool {
        self.plans.borrow()[usize::from(plan)].contains(&Task::DeleteOrphan(orphan))
    }

    /// The names of all steps in all plans.
    pub(super) fn names(&self) -> std::collections::BTreeSet<&'static str> {
        self.plans.borrow().iter().flatten().map(|task| task.name()).collect()
    }

    fn rotate(&self, observed: &Observed) -> Option<(Vec<Task>, usize)> {
        let endpoint = Endpoint::new(ENDPOINT.into(), []);
        let mut webhooks: Vec<jw::webhook::Webhook> =
            IDS.iter().zip(observed.at_jw).filter_map(|(id, seen)| webhook(id, seen)).collect();
        let old = match observed.at_jw[OLD] {
            Seen::Absent => None,
            _ => Some(webhooks.remove(0)),
        };
        let key = |id: &str| match observed.secret {
            secret if secret.is_single() => KeyStatus::SingleKey,
            secret if secret.has(place(id)) => KeyStatus::InRing,
            _ => KeyStatus::Missing,
        };
        let found = judge(IDS[OLD], old, webhooks, &endpoint, key).ok()?;
        let current_for = Duration::from_secs(observed.unchanged_for.into());
        let steps = left(&found, current_for, self.waits);
        let (_, new) = found.old_and_new();
        let new = new.map_or(0, |new| place(&new.id));
        Some((steps.iter().map(Task::of).collect(), new))
    }

    fn apply_flaw(&self, tasks: &mut Vec<Task>) {
        let at = |tasks: &[Task], name| tasks.iter().position(|task| task.name() == name);
        match self.flaw {
            Some(Flaw::Swapped(one, other)) => {
                if let (Some(one), Some(other)) = (at(tasks, one), at(tasks, other)) {
                    tasks.swap(one, other);
                }
            }
            Some(Flaw::Skipped(name)) => tasks.retain(|task| task.name() != name),
            Some(Flaw::NoCompareAndSwap | Flaw::Suspended) | None => {}
        }
    }
}

/// Plans a run of `create`. The run continues with a parked webhook whose key is in the ring, if there
/// is one. The settle time counts from the secret's last change.
fn create(observed: &Observed) -> Option<(Vec<Task>, usize)> {
    let has_key = |seen: Seen, webhook: &usize| {
        observed.at_jw[*webhook] == seen && observed.secret.has(*webhook)
    };
    let of = |seen| (1..=REPLACEMENTS).filter(move |webhook| has_key(seen, webhook));
    let parked: Vec<usize> = of(Seen::Parked).collect();
    match parked.as_slice() {
        [] if of(Seen::Live).next().is_some() => None, // the operator wants no second webhook
        [] => Some((vec![Task::CreateParked, Task::Settle(0), Task::Activate], 0)),
        [parked] => Some((vec![Task::Settle(0), Task::Activate], *parked)),
        _ => None,
    }
}

fn webhook(id: &str, seen: Seen) -> Option<jw::webhook::Webhook> {
    let url = match seen {
        Seen::Absent => return None,
        Seen::Parked => format!("https://jwhook.invalid/replaces/{}?jwhook_run={id}", IDS[OLD]),
        Seen::Live => ENDPOINT.to_owned(),
    };
    let metadata = json!({
        "name": "newsroom",
        "webhook_url": url,
        "events": ["media_available"],
        "site_ids": ["jsPxIVHl"],
    });
    Some(json!({ "id": id, "created": "2026-01-02T03:04:05+00:00", "metadata": metadata }).into())
}
