//! The forwarder in virtual time. Random schedules of events and faults run the whole library, from
//! the invocation to the calls to AWS. Each run can be repeated exactly.
//!
//! `make simulate` runs a million events. `SIMULATION_SEED` sets the first seed,
//! `SIMULATION_EVENTS` the number of events.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test panics with the reason of its failure"
)]

#[path = "../it/support/attributes_md5.rs"]
mod attributes_md5;
mod aws;
mod clock;
mod coverage;
mod credentials;
mod event;
mod explore;
mod faults;
mod function;
mod invocation;
mod judge;
#[expect(dead_code, reason = "tests/it uses more of this module")]
#[path = "../it/support/random.rs"]
mod random;
mod run;
mod schedule;
mod shrink;
mod sqs;
#[path = "../it/support/throttling.rs"]
mod throttling;
mod world;

use std::time::Instant;

use explore::explore;
use run::run;
use schedule::Schedule;

const SEED: u64 = 20_260_101;
const EVENTS: usize = 5_000;

/// For every 500 events, one schedule runs twice, so that the two traces can be compared.
const EVENTS_FOR_A_TRACE: usize = 500;

/// With this many events, the schedules reach every possible state.
const ENOUGH: usize = 1_000_000;

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn promise_holds_under_random_faults_in_virtual_time() {
    let seed = number("SIMULATION_SEED").map_or(SEED, |seed| seed as u64);
    let events = number("SIMULATION_EVENTS").unwrap_or(EVENTS);
    let began = Instant::now();
    let coverage = explore(seed, events).unwrap_or_else(|report| panic!("{report}"));
    eprintln!("{coverage}, {:.0} s", began.elapsed().as_secs_f64());
    let holes = if events >= ENOUGH { coverage.holes() } else { Vec::new() };
    assert!(holes.is_empty(), "states that no schedule reached:\n{}", holes.join("\n"));
}

#[test]
fn same_seed_gives_the_same_trace_byte_for_byte() {
    let seed = number("SIMULATION_SEED").map_or(SEED, |seed| seed as u64);
    let schedules = number("SIMULATION_EVENTS").unwrap_or(EVENTS).div_ceil(EVENTS_FOR_A_TRACE);
    for seed in (seed..).take(schedules) {
        let schedule = Schedule::generate(seed);
        let [first, second] = [0, 1].map(|_| run(&schedule, true).lock().traced());
        let differ = first.lines().zip(second.lines()).find(|(one, other)| one != other);
        assert!(first == second, "seed {seed}: {differ:#?}");
        assert!(first.lines().count() > schedule.steps.len(), "seed {seed}:\n{first}");
    }
    eprintln!("{schedules} schedules run twice, with the same traces");
}
