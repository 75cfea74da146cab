//! A model of the rotation: JW, the secret, warm functions, and operators whose runs of `rotate` or
//! `create` can die anywhere and start again. The tests explore every order of events and every timing.
//!
//! The model uses the code's own order of steps, from [`judge`](super::state::judge) and
//! [`left`](super::steps::left). [`calls`] models each step's calls to JW and to Secrets Manager, without
//! running code of `jwhook`. [`search`] visits every reachable state.
//!
//! **Time** is counted in ticks; a tick is a second of `steps`. Every duration is a whole number of ticks,
//! and every bound is inclusive. For such systems, whole ticks reach every state that real time reaches
//! (Henzinger, Manna and Pnueli, "What good are digital clocks?", 1992). The code is slightly stricter: it
//! does not use a secret whose age is exactly the TTL.
//!
//! **Functions** may fetch the secret at any time, and share nothing else. So whether any function refuses
//! an event depends only on when the secret last lacked the key of the event's webhook.
//!
//! **Held events** are the worst case: every event of the old webhook may be held, and SQS's count misses
//! the newest of them.
//!
//! **Assumptions**: No time passes between the check and the change of one step, or between a failure
//! to store a key and the deletion of its webhook ([`calls`] marks these calls as urgent). A machine
//! that sleeps between the two calls for longer than the settle time may act on outdated information,
//! and JW's API has no conditional change that could prevent that. JW has at most two replacements at
//! the same time, and one more in a last undisturbed run. Secrets Manager is available: in an outage
//! the function holds the events of an unknown webhook and refuses none.

mod calls;
mod ends;
mod operator;
mod plan;
mod search;
mod tests;
mod world;

use std::fmt;

use self::operator::Run;
use self::plan::{Planner, Task};

/// How many replacements can exist at once: one for each of two runs, and one for a run that starts after
/// both have died.
const REPLACEMENTS: usize = 3;

const OPERATORS: usize = 2;

/// The old webhook's index among the webhooks, and its key's bit in a ring.
const OLD: usize = 0;

/// A set of keys, one bit for each webhook.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Ring(u8);

/// The value of a secret that is the old webhook's single key.
const SINGLE: Ring = Ring(0b1000_0001);

impl Ring {
    const EMPTY: Self = Self(0);

    fn of(webhook: usize) -> Self {
        Self(1 << webhook)
    }

    fn has(self, webhook: usize) -> bool {
        self.0 & Self::of(webhook).0 != 0
    }

    fn with(self, webhook: usize) -> Self {
        Self(self.0 | Self::of(webhook).0)
    }

    fn without(self, webhook: usize) -> Self {
        Self(self.0 & !Self::of(webhook).0)
    }

    fn is_single(self) -> bool {
        self == SINGLE
    }

    /// The same keys as a ring, even if this is a single key.
    fn keys(self) -> Self {
        Self(self.0 & !(1 << 7))
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = (0..=REPLACEMENTS).filter(|&webhook| self.has(webhook));
        write!(f, "{}{:?}", if self.is_single() { "single" } else { "" }, keys.collect::<Vec<_>>())
    }
}

/// A webhook at JW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Webhook {
    Absent,
    Parked,
    /// `since` is the time since JW's API made the webhook call the endpoint.
    Live {
        since: u8,
    },
    /// `since` is the time since the webhook's deletion. Its last events may still come.
    Gone {
        since: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    webhooks: [Webhook; 1 + REPLACEMENTS],
    /// The secret's value.
    secret: Ring,
    /// The time since the secret's last change.
    unchanged_for: u8,
    /// For each webhook, how long the secret has contained the webhook's key, or 0. The count stops at the
    /// longest time for which a function uses a cached secret.
    lacked: [u8; 1 + REPLACEMENTS],
    /// The time since the old webhook last sent an event that may be held. `None` means that no event
    /// is held.
    held: Option<u8>,
    runs: [Option<Run>; OPERATORS],
}

impl State {
    /// Sorts the runs, so that states are equal if they differ only in the order of the operators.
    fn canonical(mut self) -> Self {
        self.runs.sort_unstable();
        self
    }
}

/// The times, in ticks.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// `SECRET_TTL_SECONDS`.
    ttl: u8,
    /// How long a function may refuse events before it fetches the secret again: the time of a fetch
    /// plus the longest pause.
    pause: u8,
    /// How long JW may ignore a change or a deletion of a webhook.
    lag: u8,
    /// The most ticks between JW's first and last attempt to deliver an event.
    delay: u8,
    /// How long SQS's counts may miss a held event.
    count_lag: u8,
    /// The waits of `jwhook`.
    settle: u8,
    overlap: u8,
    grace: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Rotate,
    Create,
}

/// A mistake that a test builds into the model, and that the search must find.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    /// These two steps are swapped.
    Swapped(&'static str, &'static str),
    /// This step is skipped.
    Skipped(&'static str),
    /// The ring is overwritten without a check of its version.
    NoCompareAndSwap,
    /// A run may be suspended between a check and the change that depends on it.
    Suspended,
}

#[derive(Clone, Debug)]
struct Model {
    command: Command,
    times: Times,
    operators: usize,
    /// How many replacements can exist at once.
    places: usize,
    flaw: Option<Flaw>,
    planner: Planner,
}

/// A transition between two states.
#[derive(Clone, Copy, Debug)]
enum Action {
    Tick,
    Operator(usize, &'static str),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("a tick passes"),
            Self::Operator(number, what) => write!(f, "operator {}'s run {what}", number + 1),
        }
    }
}

/// Why a state is a fault. The search must reach no such state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Fault {
    /// A function answers a good event with 401.
    Refused,
    /// No webhook is sure to send an event to the endpoint, so the event may be missed.
    Missed,
    /// A webhook calls the endpoint, but its key is not in the secret.
    KeyLost,
    /// An event is held, but no key in the secret verifies it.
    HeldForEver,
    /// Running the command again and again does not reach the final state.
    Endless,
}

impl Model {
    fn new(command: Command, times: Times, operators: usize, places: usize) -> Self {
        let planner = Planner::new(command, times, None);
        Self { command, times, operators, places, flaw: None, planner }
    }

    fn with(self, flaw: Flaw) -> Self {
        let planner = Planner::new(self.command, self.times, Some(flaw));
        Self { flaw: Some(flaw), planner, ..self }
    }

    fn task(&self, run: &Run) -> Option<Task> {
        self.planner.task(run.plan, run.step)
    }
}
