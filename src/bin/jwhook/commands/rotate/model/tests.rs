//! The search finds no fault in the code, and finds every mistake that a test builds in.

use std::time::Duration;

use clap::{Args as _, Command as Cli, FromArgMatches as _};
use jw_webhook_forwarder::secrets::{FROZEN_AFTER, LONGEST_PAUSE};

use super::super::Arguments;
use super::search::{Explored, explore};
use super::*;
use crate::settling::{longest_refusal, needed};
use crate::stack::DEFAULT_SECRET_TTL;

/// How long SQS's counts may miss a held message.
const COUNT_LAG: Duration = Duration::from_secs(60);

/// JW does not document how long a change of a webhook takes to have effect (the lag), nor how long an
/// event can be on its way. The defaults of `rotate` allow for at most these two durations.
const JW_LAG: Duration = Duration::from_secs(59);
const JW_DELAY: Duration = Duration::from_secs(180);

/// How much longer than necessary the default settle time may be.
const SPARE: Duration = Duration::from_secs(10);

/// Returns the bounds of settle, overlap and grace. If each wait is longer than its bound, no fault is
/// reachable.
fn bounds<T: Copy + Ord + std::ops::Add<Output = T>>(
    ttl: T,
    pause: T,
    lag: T,
    delay: T,
    count_lag: T,
) -> [T; 3] {
    [ttl.min(pause), lag, lag + delay + count_lag]
}

/// The shortest safe waits.
fn times(ttl: u8, pause: u8, lag: u8, delay: u8, count_lag: u8) -> Times {
    let [settle, overlap, grace] =
        bounds(ttl, pause, lag, delay, count_lag).map(|longest| longest + 1);
    Times { ttl, pause, lag, delay, count_lag, settle, overlap, grace }
}

fn short() -> Times {
    times(2, 1, 1, 1, 1)
}

/// Searches the states that this many operators reach, with at most this many replacements at once.
fn explored(command: Command, operators: usize, replacements: usize) -> Explored {
    explore(&Model::new(command, short(), operators, replacements))
}

fn fault(model: &Model) -> Option<Fault> {
    explore(model).fault.map(|(fault, _)| fault)
}

fn fault_with(times: Times) -> Option<Fault> {
    fault(&Model::new(Command::Rotate, times, 1, 1))
}

fn fault_of(flaw: Flaw) -> Option<Fault> {
    fault(&Model::new(Command::Rotate, short(), 1, 2).with(flaw))
}

#[test]
fn no_fault_is_reachable_in_any_order_or_timing() {
    for (command, operators, replacements, states) in [
        (Command::Create, 1, 2, 182),
        (Command::Create, 2, 2, 3933),
        (Command::Rotate, 1, 2, 950),
        (Command::Rotate, 2, 2, 244_488),
    ] {
        let found = explored(command, operators, replacements);
        if let Some((fault, trace)) = found.fault {
            panic!("{command:?}, {operators} operators: {fault:?}\n{trace}");
        }
        assert_eq!(found.states, states, "{command:?}, {operators} operators");
    }
}

#[test]
fn every_step_occurs_in_a_plan() {
    let model = Model::new(Command::Rotate, short(), 1, 2);
    explore(&model);
    let names: Vec<&str> = model.planner.names().into_iter().collect();
    let expected = [
        "activate",
        "await_held",
        "create_parked",
        "delete_old",
        "delete_orphan",
        "grace",
        "make_ring",
        "overlap",
        "remove_key",
        "settle",
    ];
    assert_eq!(names, expected);
}

#[test]
fn formula_gives_the_shortest_safe_waits() {
    for ttl in [1, 2, 3] {
        for pause in [0, 1, 3] {
            for (lag, delay, count_lag) in [(0, 0, 0), (2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 2, 1)] {
                let times = times(ttl, pause, lag, delay, count_lag);
                let settle = Times { settle: times.settle - 1, ..times };
                let overlap = Times { overlap: times.overlap - 1, ..times };
                let grace = Times { grace: times.grace - 1, ..times };
                let late = if count_lag == 0 { Fault::Refused } else { Fault::HeldForEver };
                assert_eq!(
                    [times, settle, overlap, grace].map(fault_with),
                    [None, Some(Fault::Refused), Some(Fault::Missed), Some(late)],
                    "{times:?}"
                );
                let create = |times| fault(&Model::new(Command::Create, times, 1, 1));
                assert_eq!(
                    [times, settle].map(create),
                    [None, Some(Fault::Refused)],
                    "create, {times:?}"
                );
            }
        }
    }
}

#[test]
fn search_finds_swapped_steps() {
    for (one, other, expected) in [
        ("create_parked", "settle", Fault::Refused),
        ("settle", "activate", Fault::Refused),
        ("activate", "overlap", Fault::Missed),
        ("activate", "delete_old", Fault::Endless),
        ("overlap", "delete_old", Fault::Missed),
        ("delete_old", "grace", Fault::Refused),
        ("delete_old", "remove_key", Fault::KeyLost),
        ("grace", "await_held", Fault::HeldForEver),
        ("grace", "remove_key", Fault::Refused),
        ("await_held", "remove_key", Fault::HeldForEver),
    ] {
        let found = fault_of(Flaw::Swapped(one, other));
        assert_eq!(found, Some(expected), "{one} and {other} swapped");
    }
}

#[test]
fn search_finds_skipped_steps() {
    for (step, expected) in [
        ("create_parked", Some(Fault::Endless)),
        ("settle", Some(Fault::Refused)),
        ("activate", Some(Fault::Endless)),
        ("overlap", Some(Fault::Missed)),
        ("delete_old", Some(Fault::Endless)),
        ("grace", Some(Fault::Refused)),
        ("await_held", Some(Fault::HeldForEver)),
        ("remove_key", Some(Fault::Endless)),
        // storing the first key also makes a ring
        ("make_ring", None),
        // an orphan receives no events
        ("delete_orphan", None),
    ] {
        assert_eq!(fault_of(Flaw::Skipped(step)), expected, "without {step}");
    }
}

#[test]
fn writing_the_ring_without_compare_and_swap_loses_a_key() {
    for command in [Command::Rotate, Command::Create] {
        let model = Model::new(command, short(), 2, 2).with(Flaw::NoCompareAndSwap);
        assert_eq!(fault(&model), Some(Fault::KeyLost), "{command:?}");
    }
}

/// This is why the model assumes that no time passes between a check and its change.
#[test]
fn run_suspended_between_check_and_change_can_lose_events() {
    let model = Model::new(Command::Rotate, short(), 2, 1).with(Flaw::Suspended);
    assert_eq!(fault(&model), Some(Fault::Missed));
}

#[test]
fn default_waits_are_longer_than_the_formula_requires() {
    let cli = Arguments::augment_args(Cli::new("rotate")).no_binary_name(true);
    let rotate = Arguments::from_arg_matches(&cli.get_matches_from(["c0Y6ebVU"])).unwrap();
    // the fetch also takes time
    let pause = FROZEN_AFTER + LONGEST_PAUSE;
    for ttl in
        [1, 10, 30, 60, 3600].map(Duration::from_secs).into_iter().chain([DEFAULT_SECRET_TTL])
    {
        let [settle, overlap, grace] = bounds(ttl, pause, JW_LAG, JW_DELAY, COUNT_LAG);
        let waits = rotate.waits(ttl);
        assert!(waits.settle > settle, "rotate's settle with a TTL of {ttl:?}: {:?}", waits.settle);
        assert!(waits.overlap > overlap, "overlap with a TTL of {ttl:?}: {:?}", waits.overlap);
        assert!(waits.grace > grace, "grace with a TTL of {ttl:?}: {:?}", waits.grace);
        assert!(needed(ttl) > settle, "create's settle with a TTL of {ttl:?}");
        assert_eq!(longest_refusal(ttl), settle, "the warning about a short --settle");
        assert!(waits.settle <= settle + SPARE, "longer than necessary: {:?}", waits.settle);
    }
}
