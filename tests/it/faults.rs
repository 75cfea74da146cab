//! The promise, whatever fails: random schedules, each made of a seed, of good events and forged
//! ones under outages of every kind, and what must hold after each.
//!
//! `FAULTS_SEED` sets another first seed, `FAULTS_EVENTS` another number of events; `make soak` does
//! so for a night. A seed gives the same schedule again, but not the same moments.

mod case;
mod event;
mod held_queue;
mod promises;
mod run;
mod schedule;
mod tally;
mod weather;

use crate::support::{Random, number};
use case::Setting;
use promises::judge;
use run::run;
use schedule::{Incident, Schedule};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Mutex;
use tally::Tally;
use tokio::task::LocalSet;

const SEED: u64 = 20_231_114;
const EVENTS: usize = 2_000;

/// Schedules mostly wait for what hangs; so many at once keep two cores busy.
const AT_ONCE: usize = 6;

#[test]
fn whatever_fails_the_promise_holds() {
    let seed = number("FAULTS_SEED").unwrap_or(SEED);
    let events = number("FAULTS_EVENTS").unwrap_or(EVENTS);
    let mut random = Random::new(seed);
    let more = std::iter::from_fn(|| u64::try_from(random.below(1_000_000_000)).ok());
    let tally = run_all(std::iter::once(seed).chain(more), events);
    if events >= EVENTS {
        tally.is_of_every_kind();
    }
}

/// A schedule that failed. What was found is a test of its own beside; this one keeps its meaning as
/// long as its seed makes what it made then.
struct OnceFailed {
    seed: u64,
    showed: &'static str,
    setting: Setting,
    concurrency: u8,
    /// The rotation waits for a fetch to be under way.
    amid_fetch: bool,
}

const ONCE_FAILED: [OnceFailed; 1] = [OnceFailed {
    seed: 470_575_824,
    showed: "a key came into the ring while a fetch was under way whose answer was late: events that needed it \
             were refused with 401 (rotation::response_older_than_the_ttl_refuses_no_event)",
    setting: Setting { fifo: false, ring: true, rotation: true, at_once: false },
    concurrency: 8,
    amid_fetch: false,
}];

#[test]
fn the_seeds_that_once_failed_hold() {
    for OnceFailed { seed, showed, setting, concurrency, amid_fetch } in ONCE_FAILED {
        eprintln!("seed {seed}: {showed}");
        let made = Schedule::generate(seed);
        let rotation = made.incidents.iter().find_map(|(_, incident)| match incident {
            Incident::Rotation { amid_fetch } => Some(*amid_fetch),
            _ => None,
        });
        assert_eq!(
            (made.setting, made.concurrency, rotation),
            (setting, concurrency, Some(amid_fetch)),
            "seed {seed} makes another schedule than the one that failed"
        );
    }
    run_all(ONCE_FAILED.iter().map(|failed| failed.seed), usize::MAX);
}

/// Runs the schedules of these seeds until there were so many events, and fails for those that failed.
fn run_all(seeds: impl Iterator<Item = u64> + Send, events: usize) -> Tally {
    let plan = Mutex::new(Plan { seeds, events, tally: Tally::default(), failed: Vec::new() });
    // A runtime for each schedule: none waits for another's, and the Runtime API's simulator misses
    // wake-ups between threads.
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(schedule) = next(&plan) {
                    let seed = schedule.seed;
                    let verdict = verdict(schedule);
                    plan.lock().expect(UNHARMED).done(seed, verdict);
                }
            });
        }
    });
    let Plan { tally, failed, .. } = plan.into_inner().expect(UNHARMED);
    eprintln!("faults: {tally}, {} schedules failed", failed.len());
    assert!(failed.is_empty(), "{} schedules failed:\n{}", failed.len(), failed.join("\n\n"));
    tally
}

const UNHARMED: &str = "no schedule panics while it holds the plan";

/// What is to be run, and what came of what was.
struct Plan<S> {
    seeds: S,
    /// How many are still to come.
    events: usize,
    tally: Tally,
    failed: Vec<String>,
}

impl<S: Iterator<Item = u64>> Plan<S> {
    fn next(&mut self) -> Option<Schedule> {
        if self.events == 0 {
            return None;
        }
        let schedule = Schedule::generate(self.seeds.next()?);
        self.events = self.events.saturating_sub(schedule.cases.len());
        Some(schedule)
    }

    fn done(&mut self, seed: u64, verdict: Result<Tally, String>) {
        let schedules = self.tally.schedules;
        match verdict {
            Ok(tally) => self.tally += tally,
            Err(why) => {
                self.failed.push(format!("seed {seed} (make soak SEED={seed} EVENTS=1): {why}"));
            }
        }
        if schedules % 100 == 99 {
            eprintln!("faults: {}, {} schedules failed", self.tally, self.failed.len());
        }
    }
}

fn next<S: Iterator<Item = u64>>(plan: &Mutex<Plan<S>>) -> Option<Schedule> {
    plan.lock().expect(UNHARMED).next()
}

fn verdict(schedule: Schedule) -> Result<Tally, String> {
    let judged = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let schedule = Rc::new(schedule);
        let run = LocalSet::new().block_on(&runtime.expect("a runtime"), run(&schedule));
        let (tally, broken) = judge(&schedule, &run);
        assert!(broken.is_empty(), "{} broken promises:\n{}", broken.len(), broken.join("\n"));
        tally
    };
    catch_unwind(AssertUnwindSafe(judged)).map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("a panic without words").to_owned()
}
