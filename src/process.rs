//! The function's wall clock and log output.
//!
//! A simulation runs many functions in one process. So the clock and the log are values, and the simulation can
//! give each function its own.

use std::io::{self, Write};
use std::time::SystemTime;

/// Tells the time of day.
pub type WallClock = fn() -> SystemTime;

/// The wall clock and the log of a process.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Tells the time of day.
    pub wall_clock: WallClock,
    /// Writes whole lines to the log at once, so that concurrent requests do not mix their lines.
    pub log: fn(&[u8]),
}

impl Process {
    /// The system's clock, and stdout.
    pub const OWN: Self = Self { wall_clock: SystemTime::now, log: write_to_stdout };
}

fn write_to_stdout(lines: &[u8]) {
    if io::stdout().lock().write_all(lines).is_err() {
        // Lambda sends stderr to the same log
        let _ = io::stderr().lock().write_all(lines);
    }
}
