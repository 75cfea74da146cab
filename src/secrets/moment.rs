//! Points in time that survive a freeze of the process.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::process::WallClock;

/// A point in time. A frozen process's monotonic clock may stand still, and a wall clock may be set
/// back: the longer of the two elapsed times counts.
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
