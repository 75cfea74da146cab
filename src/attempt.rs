//! Calling AWS until a deadline: what a failed call means for the next one.
//!
//! The SDK's own retries are turned off. Their token bucket stops retrying when an outage lasts,
//! their time-out is the same for each attempt, and an event that is given up may never come again.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::RequestId;
use tokio::time::{Instant, sleep, timeout_at};

/// How long the first attempt may take, if there is time for more; each one after it may take twice
/// as long as the last. A connection that died unnoticed costs this much, and a slow service is
/// still waited for.
const FIRST_ATTEMPT: Duration = Duration::from_secs(2);

/// The pause after the first failed attempt, before jitter; it doubles up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Above this a longer pause would only waste the budget.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There was no answer, or one that may be another the next time.
    #[error("unreachable: {0}")]
    Unreachable(Cause),
    /// The service said no, and would say it again.
    #[error("refused: {0}")]
    Refused(Cause),
}

/// What went wrong, in words that hold nothing of what was sent.
///
/// An AWS error's message may quote the request, its signature and session token included, and a
/// response that couldn't be read may hold the secret: so this is made of the error's code, the
/// status and the request id, and of the connector's error where there was no response.
#[derive(Debug)]
pub struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fault {
    /// A fault that the next attempt may not meet.
    pub fn unreachable(cause: impl Into<String>) -> Self {
        Fault::Unreachable(Cause(cause.into()))
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E, HttpResponse>> for Fault {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let SdkError::ServiceError(answer) = &error else {
            return Fault::unreachable(no_answer(&error));
        };
        let status = answer.raw().status().as_u16();
        let code = answer.err().code().unwrap_or("no code");
        let request_id = answer.raw().request_id().unwrap_or("none");
        let cause =
            Cause(format!("{} (status {status}, AWS request id {})", word(code), word(request_id)));
        if may_change(status, code) { Fault::Unreachable(cause) } else { Fault::Refused(cause) }
    }
}

/// Why there was no answer that could be read.
fn no_answer<E>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::DispatchFailure(failure) => {
            let failure = failure.as_connector_error().map(|error| error as &dyn Error);
            let causes =
                std::iter::successors(failure.and_then(Error::source), |&error| error.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            format!("no connection: {}", causes.join(": "))
        }
        SdkError::ResponseError(_) => "an answer that couldn't be read".to_owned(),
        _ => "the request couldn't be made: are there a region and credentials?".to_owned(),
    }
}

/// A word of a response, fit for the log.
fn word(text: &str) -> &str {
    let is_word = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if is_word { text } else { "unreadable" }
}

/// Whether the same request may be answered otherwise the next time: all but a 4xx; throttling in
/// the spellings of AWS's services; and a request that was signed too long ago or with credentials
/// of that time, because the process was frozen between signing and sending.
fn may_change(status: u16, code: &str) -> bool {
    // what the SDK's lists leave out
    const MORE: [&str; 10] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalFailure",
        "InternalServiceError",
        "InvalidSignatureException",
        "OverLimit",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
    ];
    let is_in = |list: &[&str]| list.iter().any(|passing| passing.eq_ignore_ascii_case(code));
    !(400..500).contains(&status)
        || matches!(status, 408 | 429)
        || code.to_ascii_lowercase().contains("throttl")
        || is_in(THROTTLING_ERRORS)
        || is_in(TRANSIENT_ERRORS)
        || is_in(&MORE)
}

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
                std::future::ready(Err(Fault::Refused(Cause("test".to_owned()))))
            })
            .await;
        assert!(matches!(result, Err(Fault::Refused(_))));
        assert_eq!(made, 1);
    }

    #[test]
    fn throttling_in_any_spelling_and_every_5xx_may_change() {
        let throttling = [
            "ThrottlingException",
            "Throttling",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "KmsThrottled",
        ];
        for code in throttling.into_iter().chain([
            "TooManyRequestsException",
            "SlowDown",
            "RequestLimitExceeded",
            "PriorRequestNotComplete",
        ]) {
            assert!(may_change(400, code), "{code}");
        }
        assert!(may_change(403, "InvalidSignatureException") && may_change(403, "ExpiredToken"));
        assert!(may_change(200, "unreadable") && may_change(302, "no code"));
        assert!(
            may_change(500, "no code")
                && may_change(503, "AccessDenied")
                && may_change(429, "no code")
        );
    }

    #[test]
    fn a_refusal_does_not_change() {
        for code in [
            "AccessDeniedException",
            "AWS.SimpleQueueService.NonExistentQueue",
            "KmsDisabled",
            "ResourceNotFoundException",
            "no code",
        ] {
            assert!(!may_change(400, code), "{code}");
        }
    }

    #[test]
    fn an_answer_that_could_not_be_read_is_no_request_that_could_not_be_made() {
        let answer = HttpResponse::new(200.try_into().unwrap(), "x".into());
        let error: SdkError<()> = SdkError::response_error("of x", answer);
        assert_eq!(no_answer(&error), "an answer that couldn't be read");
        let error: SdkError<()> = SdkError::construction_failure("x");
        assert!(no_answer(&error).contains("couldn't be made"));
    }

    #[test]
    fn what_an_answer_says_is_quoted_only_where_it_is_one_word() {
        assert_eq!(
            word("AWS.SimpleQueueService.NonExistentQueue"),
            "AWS.SimpleQueueService.NonExistentQueue"
        );
        assert_eq!(word("AWS4-HMAC-SHA256 Credential=x, Signature=y"), "unreadable");
        assert_eq!(word(""), "unreadable");
    }
}
