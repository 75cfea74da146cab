//! The schedule's time, and the clocks that its functions see.
//!
//! Each function has its own tokio runtime with a paused clock. The runtime's clock advances while
//! the function waits, and stops while the function is frozen. This module converts the runtime's
//! clock to the schedule's time.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jw_webhook_forwarder::process::Process;
use tokio::time::Instant;

/// Milliseconds since the schedule began.
pub type Ms = u64;

/// The wall-clock time at which every schedule begins: 2026-01-01T00:00:00Z.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// A step of the wall clock, for instance by NTP: from a given time on, the clock is wrong by this
/// many milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClockStep {
    pub at: Ms,
    pub by: i64,
}

#[derive(Clone, Copy, Default)]
struct Running {
    /// The schedule's time at this instant of the runtime's clock. `None` while no function runs.
    since: Option<(Instant, Ms)>,
    last: Ms,
    set: ClockStep,
}

thread_local! {
    static RUNNING: Cell<Running> = Cell::default();
    static LOG: RefCell<Vec<u8>> = RefCell::default();
}

/// The schedule's time for the function that runs on this thread.
pub fn now() -> Ms {
    let running = RUNNING.get();
    let Some((instant, at)) = running.since else { return running.last };
    at + u64::try_from((Instant::now() - instant).as_millis()).expect("a schedule ends")
}

/// Sets the time and the wall-clock step for the function that now runs on this thread.
pub fn run(at: Ms, set: ClockStep) {
    RUNNING.set(Running { since: Some((Instant::now(), at)), last: at, set });
}

/// Stops the clock at the current time, because no function runs on this thread.
pub fn stop() {
    stay(now());
}

/// Stops the clock at this time, because no function runs on this thread.
pub fn stay(at: Ms) {
    RUNNING.set(Running { since: None, last: at, ..RUNNING.get() });
}

/// The time on the function's wall clock.
pub fn wall() -> SystemTime {
    wall_at(now())
}

/// The function's wall clock at this time of the schedule.
pub fn wall_at(time: Ms) -> SystemTime {
    let (set, right) = (RUNNING.get().set, right_wall_at(time));
    match set.by {
        by if time < set.at || by == 0 => right,
        by if by < 0 => right - Duration::from_millis(by.unsigned_abs()),
        by => right + Duration::from_millis(by.unsigned_abs()),
    }
}

/// A correct wall clock at this time of the schedule.
pub fn right_wall_at(time: Ms) -> SystemTime {
    SystemTime::UNIX_EPOCH + BEGIN + Duration::from_millis(time)
}

/// Converts a time of the wall clock to Unix milliseconds, the format that AWS uses.
pub fn unix_ms(wall: SystemTime) -> u64 {
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("a time")
}

/// The clock and the log of a simulated function.
pub const PROCESS: Process = Process { wall_clock: wall, log: write_log };

fn write_log(lines: &[u8]) {
    LOG.with_borrow_mut(|log| log.extend_from_slice(lines));
}

/// The log output since the previous call.
pub fn take_log() -> Vec<u8> {
    LOG.take()
}

/// The SDK's time source: the function's wall clock.
#[derive(Debug)]
pub struct Wall;

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        wall()
    }
}
