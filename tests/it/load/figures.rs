//! Measurements of a long run: one set for each tenth of the run.

use std::fmt;
use std::time::Duration;

/// The measurements of one tenth of a run.
pub struct Figures {
    /// The median time from an event to its answer.
    pub latency: Duration,
    /// The process's CPU time per event.
    pub cpu: Duration,
    /// The process's memory in kB at the end of this tenth of the run.
    pub resident: usize,
}

impl Figures {
    /// The lowest value of each measurement in these tenths.
    pub fn best(tenths: &[Self]) -> Self {
        let least = |of: fn(&Self) -> Duration| tenths.iter().map(of).min().expect("a tenth");
        Self {
            latency: least(|tenth| tenth.latency),
            cpu: least(|tenth| tenth.cpu),
            resident: tenths.iter().map(|tenth| tenth.resident).min().expect("a tenth"),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency, cpu, resident } = self;
        write!(f, "median {latency:.1?}, CPU {cpu:.2?} an event, {resident} kB")
    }
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The ratio of `second` to `first`.
pub fn times(first: Duration, second: Duration) -> f64 {
    second.as_secs_f64() / first.as_secs_f64()
}
