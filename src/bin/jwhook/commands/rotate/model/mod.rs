//! A model of the rotation, explored in every order and at every time: JW, the secret, warm functions,
//! and operators whose runs of `rotate` or `create` die anywhere and are started again.
//!
//! The order of the steps is the code's own: the model asks [`judge`](super::state::judge) and
//! [`left`](super::steps::left) what is left to do. [`calls`] says what each step does to JW and to the
//! secret, call by call; no function of `jwhook` runs for that. [`search`] visits each state that can be
//! reached.
//!
//! **Time** is counted in ticks; a tick is a second of `steps`. Every time is a whole number of ticks and
//! every bound is inclusive ("at most", "at least"). For such systems whole ticks reach every state that
//! real time reaches (Henzinger, Manna and Pnueli, "What good are digital clocks?", 1992). The code is
//! stricter by an instant: a secret of exactly its TTL is not used any more.
//!
//! **Functions** may fetch the secret at any time, and share nothing else. So whether any of them, however
//! many there are, refuses an event depends only on how long ago the secret had no key of its webhook.
//!
//! **Held events** are as unlucky as can be: each event of the old webhook may be held, and a count finds
//! those only that are older than SQS's counts.
//!
//! **Assumptions**: No time passes between the check and the change of one step, or between a key that
//! cannot be stored and the deletion of its webhook ([`calls`] marks these as urgent). A machine that
//! sleeps there for longer than a whole settle time may act on what is no longer true. JW's API has no
//! conditional change that could prevent it. JW keeps at most two replacements at once, and one more for a
//! last run that nobody disturbs. Secrets Manager answers the function: in an outage the function holds
//! the events of an unknown webhook and refuses none.

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

/// How many replacements can exist at once: one for each of two runs, and one for a run that begins after
/// both have died.
const REPLACEMENTS: usize = 3;

const OPERATORS: usize = 2;

/// The old webhook: its place among the webhooks, and its key's bit in a ring.
const OLD: usize = 0;

/// A set of keys: a bit for each webhook.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Ring(u8);

/// In the secret: it is the old webhook's key by itself.
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

    /// The keys, in a ring whether they were or not.
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
    /// It has called the endpoint for so long, as JW's API tells it.
    Live {
        since: u8,
    },
    /// It was deleted so long ago, and its last events may still come.
    Gone {
        since: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct State {
    webhooks: [Webhook; 1 + REPLACEMENTS],
    /// The secret's value, and for how long it has been that.
    secret: Ring,
    unchanged_for: u8,
    /// How long ago the secret had no key of each webhook. Longer than a function may go without asking
    /// again makes no difference.
    lacked: [u8; 1 + REPLACEMENTS],
    /// The last event of the old webhook that may be held came so long ago. `None`: none is held.
    held: Option<u8>,
    runs: [Option<Run>; OPERATORS],
}

impl State {
    /// The same for states that differ only in which operator is which.
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
    /// How long after it asked for the secret a function may refuse without asking again: a fetch and the
    /// longest pause.
    pause: u8,
    /// How long JW may go on as before after a webhook was changed or deleted.
    lag: u8,
    /// How long an event may be on its way, with all of JW's retries.
    delay: u8,
    /// How long a held event may be missing from SQS's counts.
    count_lag: u8,
    /// What `jwhook` waits.
    settle: u8,
    overlap: u8,
    grace: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Command {
    Rotate,
    Create,
}

/// Known mistakes, which the search has to find.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    /// These two steps change places.
    Swapped(&'static str, &'static str),
    /// This step is left out.
    Skipped(&'static str),
    /// A ring is written over whatever is there.
    NoCompareAndSwap,
    /// A run may be suspended between a check and the change that rests on it.
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

/// What happens between two states.
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

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Fault {
    /// A function answers a good event with 401.
    Refused,
    /// JW sends an event to no webhook that calls the endpoint.
    Missed,
    /// A webhook calls the endpoint whose key is not in the secret.
    KeyLost,
    /// An event is held that no key of the secret verifies.
    HeldForEver,
    /// The command, run again and again, does not reach the final state.
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
