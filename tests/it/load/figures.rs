//! Figures of a long run, taken for each of its tenths.

use std::fmt;
use std::time::Duration;

/// What a tenth of a run came to.
pub struct Figures {
    /// The median of the time to the answer.
    pub latency: Duration,
    /// The CPU time of the process, for each event.
    pub cpu: Duration,
    /// The memory of the process at the tenth's end, in kB.
    pub resident: usize,
}

impl Figures {
    /// The best of some tenths.
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

/// How many times the first the second is.
pub fn times(first: Duration, second: Duration) -> f64 {
    second.as_secs_f64() / first.as_secs_f64()
}
