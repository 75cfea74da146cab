//! Shortens a failing schedule as far as possible. The shortened schedule still fails in the same
//! way.

use std::time::{Duration, Instant};

use crate::judge::judge;
use crate::run::run;
use crate::schedule::Schedule;

/// The time limit. In this time, even the longest schedule so far became short enough to read.
const MAX_TIME: Duration = Duration::from_secs(45);

/// A shorter schedule that breaks the same promise.
pub fn shrink(schedule: &Schedule, promise: &str) -> Schedule {
    let began = Instant::now();
    let fails = |schedule: &Schedule| {
        began.elapsed() < MAX_TIME
            && judge(&run(schedule, false).lock()).iter().any(|it| it.promise == promise)
    };
    let mut shortest = schedule.clone();
    loop {
        let size = (shortest.steps.len(), shortest.faults.len());
        shortest = without_parts(shortest, &fails, |it| &mut it.steps);
        shortest = without_parts(shortest, &fails, |it| &mut it.faults);
        if (shortest.steps.len(), shortest.faults.len()) == size {
            return shortest;
        }
    }
}

/// Removes as many parts as possible: halves first, then smaller pieces.
fn without_parts<T>(
    mut shortest: Schedule,
    fails: &impl Fn(&Schedule) -> bool,
    parts: impl Fn(&mut Schedule) -> &mut Vec<T>,
) -> Schedule {
    let mut piece = parts(&mut shortest).len().div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < parts(&mut shortest).len() {
            let mut without = shortest.clone();
            let these = parts(&mut without);
            these.drain(from..(from + piece).min(these.len()));
            if fails(&without) {
                shortest = without;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    shortest
}
