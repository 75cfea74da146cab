//! JW's rate limit: 60 requests a minute for each API secret, then 429.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::progress;

/// The window of the limit. JW sends no `Retry-After`.
pub const WINDOW: Duration = Duration::from_secs(60);

const MAX_REQUESTS: usize = 60;

/// The times of the requests in the last minute, oldest first.
#[derive(Debug, Default)]
pub struct RateLimit(Mutex<VecDeque<Instant>>);

impl RateLimit {
    /// Waits until JW's rate limit permits another request, and counts that request.
    pub async fn admit(&self) {
        let mut made = self.0.lock().await;
        loop {
            while made.front().is_some_and(|request| request.elapsed() >= WINDOW) {
                made.pop_front();
            }
            if made.len() < MAX_REQUESTS {
                return made.push_back(Instant::now());
            }
            let oldest = made.front().map_or(Duration::ZERO, Instant::elapsed);
            progress::wait(
                WINDOW.saturating_sub(oldest),
                "waiting: JW accepts 60 requests a minute",
            )
            .await;
        }
    }
}

/// The shortest time in which the rate limit permits this many requests.
pub fn least_time(requests: u32) -> Duration {
    WINDOW * (requests.saturating_sub(1) / MAX_REQUESTS as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn at_most_60_requests_are_made_in_any_minute() {
        let limit = RateLimit::default();
        let began = Instant::now();
        let mut times = Vec::new();
        for index in 0..150 {
            limit.admit().await;
            times.push(began.elapsed());
            if index % 7 == 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        }
        for window in times.windows(MAX_REQUESTS + 1) {
            assert!(window[MAX_REQUESTS] - window[0] >= WINDOW, "{window:?}");
        }
        assert!(times[59] < Duration::from_secs(5) && times[149] < Duration::from_secs(130));
    }

    #[test]
    fn every_60_further_requests_take_another_minute() {
        for (requests, minutes) in [(0, 0), (60, 0), (61, 1), (120, 1), (121, 2)] {
            assert_eq!(least_time(requests), WINDOW * minutes);
        }
    }
}
