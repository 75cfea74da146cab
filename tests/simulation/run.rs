//! Runs one schedule.

use std::collections::VecDeque;

use crate::clock::Ms;
use crate::function::Function;
use crate::invocation::{BATCH_SIZE, VISIBILITY};
use crate::schedule::{Gap, Schedule, Step, What};
use crate::world::{Shared, World};

/// The most times that the held messages are delivered after the last outage. A correct function
/// needs fewer.
const MOST_ROUNDS: usize = 12;

/// Runs a schedule to its end, then delivers the held messages until no more of them leave the held
/// queue.
pub fn run(schedule: &Schedule, traced: bool) -> Shared {
    fastrand::seed(schedule.seed);
    let world = Shared::new(schedule.clone(), traced);
    let mut functions: Vec<_> = (0..schedule.functions.len())
        .map(|index| Function::new(index, schedule, world.clone()))
        .collect();
    let mut steps: Vec<VecDeque<(usize, Step)>> = vec![VecDeque::new(); functions.len()];
    for (number, step) in schedule.steps.iter().enumerate() {
        steps[step.function].push_back((number, *step));
    }
    loop {
        let next = |steps: &VecDeque<(usize, Step)>| steps.front().map_or(Ms::MAX, |(_, s)| s.at);
        let earliest = (0..steps.len()).min_by_key(|function| next(&steps[*function]));
        let Some(function) = earliest.filter(|function| !steps[*function].is_empty()) else {
            break;
        };
        functions[function].serve(&mut steps[function]);
    }
    drain(schedule, &world, &mut functions[0]);
    drop(functions);
    world
}

/// Delivers the held messages every five minutes, until no secret verifies any message that is
/// left.
fn drain(schedule: &Schedule, world: &Shared, function: &mut Function) {
    let over = schedule.faults.iter().map(|fault| fault.to).max().unwrap_or_default();
    let last = schedule.steps.last().map_or(0, |step| step.at);
    let mut at = last.max(over) + 60_000;
    for _ in 0..MOST_ROUNDS {
        let batches = batches(&world.lock(), at);
        for _ in 0..batches {
            let gap = Gap::Awake;
            let what = What::Batch;
            let step = Step { at, function: 0, gap, cold: false, what, within: 20_000 };
            function.serve(&mut VecDeque::from([(schedule.steps.len(), step)]));
            at += 2_000;
        }
        if batches == 0 {
            break;
        }
        at += VISIBILITY;
    }
}

/// The number of batches that are needed to deliver the held messages. Zero if no key verifies any
/// of the messages.
fn batches(world: &World, at: Ms) -> usize {
    let stay: Vec<_> = world.held.iter().filter(|held| held.left.is_none()).collect();
    let keys = world.schedule.keys(at);
    let may_leave = stay.iter().any(|held| {
        let request = world.request_of(&held.token);
        request.is_none_or(|it| !it.kind.is_forged() && keys.contains(&it.webhook))
    });
    if may_leave { stay.len().div_ceil(BATCH_SIZE) } else { 0 }
}
