//! Retries calls to AWS until a deadline.
//!
//! The SDK's own retries are off. The SDK's token bucket stops retrying in a long outage, and all attempts have
//! the same timeout. JW may never send an event again, so giving up early could lose the event.

mod fault;

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

pub use self::fault::{Cause, Fault};

/// The timeout of the first attempt. Near the deadline, it is shorter. Each attempt doubles the timeout, so a
/// dead connection costs little time, and a slow service still gets enough time.
const FIRST_ATTEMPT: Duration = Duration::from_secs(2);

/// The wait after the first failed attempt, before jitter. Each further failure doubles the wait, up to
/// [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// The longest wait between two attempts. A longer wait would only use up the time before the deadline.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// Calls `attempt` until it succeeds, AWS rejects the call, or `deadline` is reached. `action` names the call
/// in the log.
pub async fn until<T, F>(
    action: &str,
    deadline: Instant,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut timeout = FIRST_ATTEMPT.min(deadline.saturating_duration_since(Instant::now()) / 3);
    let mut backoff = FIRST_BACKOFF;
    let mut last_fault = Fault::unreachable("the deadline passed before the first attempt");
    while Instant::now() < deadline {
        let give_up = deadline.min(Instant::now() + timeout);
        let fault = match timeout_at(give_up, attempt()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(refused @ Fault::Refused(_))) => return Err(refused),
            Ok(Err(unreachable)) => unreachable,
            Err(_) => Fault::unreachable("no response in time"),
        };
        tracing::info!(action, %fault, "an attempt to call AWS failed");
        last_fault = fault;
        timeout *= 2;
        sleep(jittered(backoff).min(deadline.saturating_duration_since(Instant::now()))).await;
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
    Err(last_fault)
}

/// A random time between half of `backoff` and `backoff`. Otherwise, callers that failed together would also
/// retry together.
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
    async fn call_is_retried_until_it_succeeds() {
        let (result, took) = faults_before_success(3, Duration::from_secs(19)).await;
        assert_eq!(result.unwrap(), 4);
        assert!(
            (Duration::from_millis(175)..=Duration::from_millis(360)).contains(&took),
            "{took:?}"
        ); // jittered waits of 50, 100 and 200 ms
    }

    #[tokio::test(start_paused = true)]
    async fn retries_end_at_the_deadline() {
        let (result, took) = faults_before_success(usize::MAX, Duration::from_secs(19)).await;
        assert!(matches!(result, Err(Fault::Unreachable(_))));
        assert!(
            (Duration::from_secs(19)..Duration::from_millis(19_010)).contains(&took),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn timeout_doubles_with_each_attempt() {
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
    async fn first_timeout_leaves_time_for_a_retry_before_a_near_deadline() {
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
    async fn call_that_aws_rejects_is_not_retried() {
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
