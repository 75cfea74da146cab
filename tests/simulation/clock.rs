//! The time of a schedule, and the clocks that its functions see.
//!
//! Each function has a tokio runtime of its own, whose clock is paused: it moves when the function waits,
//! and stands still while the function is frozen. This module ties it to the time of the schedule.

use std::cell::{Cell, RefCell};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jw_webhook_forwarder::process::Process;
use tokio::time::Instant;

/// Milliseconds since a schedule's begin.
pub type Ms = u64;

/// When every schedule begins: 2026-01-01T00:00:00Z.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

/// A wall clock that is set, for instance by NTP: from a time on it is off by so many milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Set {
    pub at: Ms,
    pub by: i64,
}

#[derive(Clone, Copy, Default)]
struct Running {
    /// The time that it is at this instant of the runtime's clock. None: no function runs.
    since: Option<(Instant, Ms)>,
    last: Ms,
    set: Set,
}

thread_local! {
    static RUNNING: Cell<Running> = Cell::default();
    static LOG: RefCell<Vec<u8>> = RefCell::default();
}

/// The time, as the function that runs on this thread lives it.
pub fn now() -> Ms {
    let running = RUNNING.get();
    let Some((instant, at)) = running.since else { return running.last };
    at + u64::try_from((Instant::now() - instant).as_millis()).expect("a schedule ends")
}

/// From now on, in this runtime, it is this time.
pub fn run(at: Ms, set: Set) {
    RUNNING.set(Running { since: Some((Instant::now(), at)), last: at, set });
}

/// No function runs on this thread any more.
pub fn stop() {
    stay(now());
}

/// No function runs on this thread, and this is the time.
pub fn stay(at: Ms) {
    RUNNING.set(Running { since: None, last: at, ..RUNNING.get() });
}

/// What the function's wall clock shows.
pub fn wall() -> SystemTime {
    wall_at(now())
}

/// What the function's wall clock shows at this time.
pub fn wall_at(time: Ms) -> SystemTime {
    let (set, right) = (RUNNING.get().set, right_wall_at(time));
    match set.by {
        by if time < set.at || by == 0 => right,
        by if by < 0 => right - Duration::from_millis(by.unsigned_abs()),
        by => right + Duration::from_millis(by.unsigned_abs()),
    }
}

/// What a clock shows at this time that is right.
pub fn right_wall_at(time: Ms) -> SystemTime {
    SystemTime::UNIX_EPOCH + BEGIN + Duration::from_millis(time)
}

/// The same, as AWS writes it.
pub fn unix_ms(wall: SystemTime) -> u64 {
    let since = wall.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("a time")
}

/// A process of a simulated function.
pub const PROCESS: Process = Process { wall_clock: wall, log: write_log };

fn write_log(lines: &[u8]) {
    LOG.with_borrow_mut(|log| log.extend_from_slice(lines));
}

/// What was written to the log since the last time.
pub fn take_log() -> Vec<u8> {
    LOG.take()
}

/// The SDK's clock: the function's.
#[derive(Debug)]
pub struct Wall;

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        wall()
    }
}
