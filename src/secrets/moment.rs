//! Measures elapsed time correctly, even if the process is frozen meanwhile.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::process::WallClock;

/// A point in time on two clocks. The monotonic clock may stand still while the process is frozen, and the wall
/// clock may be set back. So the longer of the two elapsed times counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) monotonic: Instant,
    wall: SystemTime,
    wall_clock: WallClock,
}

impl Moment {
    pub(super) fn now(wall_clock: WallClock) -> Self {
        Self { monotonic: Instant::now(), wall: wall_clock(), wall_clock }
    }

    pub(super) fn elapsed(&self) -> Duration {
        let by_wall = (self.wall_clock)().duration_since(self.wall).unwrap_or_default();
        self.monotonic.elapsed().max(by_wall)
    }
}
