//! Calling AWS until a deadline.
//!
//! The SDK's own retries are turned off. Their token bucket stops retrying when an outage lasts,
//! their time-out is the same for each attempt, and an event that is given up may never come again.

mod fault;

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

pub use self::fault::{Cause, Fault};

/// How long the first attempt may take, if there is time for more; each one after it may take twice
/// as long as the last. A connection that died unnoticed costs this much, and a slow service is
/// still waited for.
const FIRST_ATTEMPT: Duration = Duration::from_secs(2);

/// The pause after the first failed attempt, before jitter; it doubles up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Above this a longer pause would only waste the budget.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// Makes attempts at an AWS `action` until one succeeds, AWS refuses, or `deadline` is reached.
pub async fn until<T, F>(
    action: &str,
    deadline: Instant,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut patience = FIRST_ATTEMPT.min(deadline.saturating_duration_since(Instant::now()) / 3);
    let mut backoff = FIRST_BACKOFF;
    let mut last_fault = Fault::unreachable("there was no time left to call");
    while Instant::now() < deadline {
        let give_up = deadline.min(Instant::now() + patience);
        let fault = match timeout_at(give_up, attempt()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refused @ Fault::Refused(_))) => return Err(refused),
            Ok(Err(unreachable)) => unreachable,
            Err(_) => Fault::unreachable("no answer in time"),
        };
        tracing::info!(action, %fault, "an attempt failed");
        last_fault = fault;
        patience *= 2;
        sleep(jittered(backoff).min(deadline.saturating_duration_since(Instant::now()))).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
    Err(last_fault)
}

/// Half to all of `backoff`, so that callers which failed together don't come back together.
fn jittered(backoff: Duration) -> Duration {
    backoff.mul_f64(0.5 + 0.5 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn faults_before_success(
        faults: usize,
        deadline: Duration,
    ) -> (Result<usize, Fault>, Duration) {
        let start = Instant::now();
        let mut made = 0;
        let result = until("test", start + deadline, || {
            made += 1;
            std::future::ready(if made > faults {
                Ok(made)
            } else {
                Err(Fault::unreachable("test"))
            })
        })
        .await;
        (result, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_made_until_one_succeeds() {
        let (result, took) = faults_before_success(3, Duration::from_secs(19)).await;
        assert_eq!(result.unwrap(), 4);
        assert!(
            (Duration::from_millis(175)..=Duration::from_millis(360)).contains(&took),
            "{took:?}"
        ); // 50, 100 and 200 ms, jittered
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_end_with_the_deadline_and_not_before() {
        let (result, took) = faults_before_success(usize::MAX, Duration::from_secs(19)).await;
        assert!(matches!(result, Err(Fault::Unreachable(_))));
        assert!(
            (Duration::from_secs(19)..Duration::from_millis(19_010)).contains(&took),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_is_given_up_and_the_next_may_take_twice_as_long() {
        let start = Instant::now();
        let mut began = Vec::new();
        let result: Result<(), Fault> = until("test", start + Duration::from_secs(19), || {
            began.push(start.elapsed().as_secs());
            std::future::pending()
        })
        .await;
        assert!(matches!(result, Err(Fault::Unreachable(_))));
        assert_eq!(began, [0, 2, 6, 14]);
    }

    #[tokio::test(start_paused = true)]
    async fn however_short_the_time_an_attempt_that_hangs_leaves_some_for_another() {
        let start = Instant::now();
        let mut made = 0;
        let result = until("test", start + Duration::from_secs(2), || {
            made += 1;
            let hangs = made == 1;
            async move { if hangs { std::future::pending().await } else { Ok(()) } }
        })
        .await;
        assert!(matches!(result, Ok(())));
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_ends_the_attempts() {
        let mut made = 0;
        let result: Result<(), Fault> =
            until("test", Instant::now() + Duration::from_secs(19), || {
                made += 1;
                std::future::ready(Err(Fault::refused("test")))
            })
            .await;
        assert!(matches!(result, Err(Fault::Refused(_))));
        assert_eq!(made, 1);
    }
}
