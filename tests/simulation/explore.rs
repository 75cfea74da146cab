//! Runs many schedules, on one thread per core.

use std::fmt::Write;
use std::sync::Mutex;
use std::thread::{available_parallelism, scope};
use std::time::Instant;

use crate::coverage::Coverage;
use crate::judge::judge;
use crate::random::Random;
use crate::run::run;
use crate::schedule::Schedule;
use crate::shrink::shrink;

/// The schedules that are left to run, and the results so far.
struct Plan {
    seeds: Box<dyn Iterator<Item = u64> + Send>,
    /// How many events are left to run.
    events: usize,
    coverage: Coverage,
    failed: Option<String>,
    began: Instant,
}

/// Runs schedules until they have sent this many events or until one schedule fails. Returns the
/// coverage or the report of the failure.
pub fn explore(seed: u64, events: usize) -> Result<Coverage, String> {
    let mut random = Random::new(seed);
    let more = std::iter::from_fn(move || u64::try_from(random.below(1_000_000_000)).ok());
    let seeds = Box::new(std::iter::once(seed).chain(more));
    let plan = Mutex::new(Plan {
        seeds,
        events,
        coverage: Coverage::default(),
        failed: None,
        began: Instant::now(),
    });
    scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(schedule) = next(&plan) {
                    one(&plan, &schedule)
                }
            });
        }
    });
    let Plan { coverage, failed, .. } = plan.into_inner().expect("no schedule panics");
    failed.map_or(Ok(coverage), Err)
}

fn next(plan: &Mutex<Plan>) -> Option<Schedule> {
    let mut plan = plan.lock().expect("no schedule panics");
    if plan.events == 0 || plan.failed.is_some() {
        return None;
    }
    let schedule = Schedule::generate(plan.seeds.next()?);
    plan.events = plan.events.saturating_sub(schedule.requests());
    Some(schedule)
}

fn one(plan: &Mutex<Plan>, schedule: &Schedule) {
    let world = run(schedule, false);
    let world = world.lock();
    let broken = judge(&world);
    let Some(first) = broken.first() else {
        let coverage = Coverage::of(&world);
        plan.lock().expect("no schedule panics").coverage += coverage;
        return;
    };
    let mut plan = plan.lock().expect("no schedule panics");
    if plan.failed.is_none() {
        let (events, began) = (plan.coverage.events, plan.began.elapsed().as_secs_f64());
        let found = format!("found after {began:.1} s and {events} events");
        plan.failed = Some(report(schedule, first.promise, &found));
    }
}

/// The shortest schedule that breaks the promise, with its trace.
fn report(schedule: &Schedule, promise: &str, found: &str) -> String {
    let shortest = shrink(schedule, promise);
    let world = run(&shortest, true);
    let world = world.lock();
    let mut report = String::new();
    let seed = schedule.seed;
    let _ = writeln!(
        report,
        "seed {seed} (make simulate SEED={seed} EVENTS=1): promised to {promise}, but"
    );
    for broken in judge(&world).iter().filter(|broken| broken.promise == promise) {
        let _ = writeln!(report, "  {}", broken.how);
    }
    let (steps, faults) = (shortest.steps.len(), shortest.faults.len());
    let of = (schedule.steps.len(), schedule.faults.len());
    let _ = writeln!(
        report,
        "{found}: shortest schedule: {steps} of {} steps, {faults} of {} faults",
        of.0, of.1
    );
    let _ = writeln!(
        report,
        "{:?}\n{:?}\n{:?}",
        shortest.setting, shortest.functions, shortest.webhooks
    );
    for fault in &shortest.faults {
        let _ = writeln!(report, "{fault:?}");
    }
    let _ = writeln!(report, "{}", world.traced());
    report
}
