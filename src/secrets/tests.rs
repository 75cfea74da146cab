mod rechecks;

use std::time::SystemTime;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use aws_smithy_types::body::SdkBody;
use tokio::time::advance;

use super::*;

const TTL: Duration = Duration::from_secs(300);
const MAX_STALE: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const OLD: &str = "the-old-secret-of-32-bytes-or-more";
const NEW: &str = "the-new-secret-of-32-bytes-or-more";

#[derive(Clone, Copy)]
enum Answer {
    Value(&'static str),
    Error(u16, &'static str),
}

const GONE: Answer = Answer::Error(503, "ServiceUnavailable");
const DENIED: Answer = Answer::Error(400, "AccessDeniedException");

/// The real client with an emulated Secrets Manager. The test sets the response of Secrets Manager.
struct SecretsManager {
    answer: Arc<Mutex<Answer>>,
    calls: Rule,
    store: SecretStore,
}

impl SecretsManager {
    fn with(answer: Answer) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let current = answer.clone();
        let calls = mock!(Client::get_secret_value).then_compute_response(move |_| match *current
            .lock()
            .unwrap()
        {
            Answer::Value(value) => {
                MockResponse::Output(GetSecretValueOutput::builder().secret_string(value).build())
            }
            Answer::Error(status, code) => {
                let body = SdkBody::from(format!(r#"{{"__type":"{code}"}}"#));
                MockResponse::Http(HttpResponse::new(status.try_into().unwrap(), body))
            }
        });
        let client =
            mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, &[&calls], |config| {
                config.retry_config(RetryConfig::disabled())
            });
        let store =
            SecretStore::new(client, "jw/webhook".to_owned(), TTL, MAX_STALE, SystemTime::now);
        Self { answer, calls, store }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    async fn current(&self) -> Result<&'static str, NoSecret> {
        self.store.current(limits()).await.map(|secret| name(&secret))
    }

    async fn secret(&self) -> Secret {
        self.store.current(limits()).await.unwrap()
    }

    /// A recheck for a request that has just failed to verify with this secret.
    async fn recheck(&self, saw: &Secret) -> Recheck {
        self.store.recheck(saw, self.store.next_fetch(), limits()).await
    }

    /// Rechecks a forged request, which verifies with no secret. Returns the result of the last recheck.
    async fn forged(&self) -> Recheck {
        let mut saw = self.secret().await;
        let since = self.store.next_fetch();
        let limits = limits();
        loop {
            match self.store.recheck(&saw, since, limits).await {
                Recheck::Newer(newer) => saw = newer,
                end => return end,
            }
        }
    }

    fn calls(&self) -> usize {
        self.calls.num_calls()
    }
}

/// Limits that are a little longer than a fetch, so that the test sees the end of the fetch.
fn limits() -> WaitLimits {
    WaitLimits::until(Instant::now() + FETCH_TIMEOUT + Duration::from_millis(10))
}

fn name(secret: &Secret) -> &'static str {
    match secret.ring() {
        KeyRing::Single(key) if key.bytes() == OLD.as_bytes() => OLD,
        KeyRing::Single(key) if key.bytes() == NEW.as_bytes() => NEW,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn secret_is_fetched_again_when_its_ttl_is_over() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(Answer::Value(NEW));
    advance(TTL - SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
    assert_eq!(aws.calls(), 1);
    advance(SECOND).await;
    assert_eq!(aws.current().await, Ok(NEW));
    assert_eq!(aws.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let results = tokio::join!(aws.current(), aws.current(), aws.current());
    assert_eq!(results, (Ok(OLD), Ok(OLD), Ok(OLD)));
    assert_eq!(aws.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn cached_secret_is_used_during_an_outage_up_to_its_highest_age() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(GONE);
    advance(TTL).await;
    let outage = Instant::now();
    let mut waits = Vec::new();
    for _ in 0..100 {
        let before = Instant::now();
        assert_eq!(aws.current().await, Ok(OLD));
        if before.elapsed() > Duration::ZERO {
            assert!(before.elapsed() <= SECOND, "{:?}", before.elapsed());
            waits.push(before);
        }
        advance(SECOND / 2).await;
    }
    let too_close = waits.windows(2).filter(|pair| pair[1] - pair[0] < PROBE_INTERVAL);
    assert_eq!(too_close.count(), 0, "{waits:?}");
    assert!(aws.calls() > 10, "fetches continue in the background: {} calls", aws.calls());
    advance(MAX_STALE - TTL - outage.elapsed()).await;
    assert_eq!(aws.current().await, Ok(OLD));
    advance(SECOND).await;
    assert_eq!(aws.current().await, Err(NoSecret::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn request_notices_the_end_of_an_outage_after_ten_seconds() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(GONE);
    advance(TTL).await;
    assert_eq!(aws.current().await, Ok(OLD));
    // Lambda freezes the process, so the background fetch does not end
    advance(PROBE_INTERVAL).await;
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
}

#[tokio::test(start_paused = true)]
async fn cached_secret_is_used_only_to_its_ttl_after_secrets_manager_denied_the_call() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    aws.answers(DENIED);
    assert!(matches!(aws.recheck(&saw).await, Recheck::Failed(NoSecret::Unavailable)));
    advance(TTL - SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
    advance(SECOND).await;
    assert_eq!(aws.current().await, Err(NoSecret::Unavailable));
    aws.answers(GONE);
    advance(SECOND).await;
    assert_eq!(aws.current().await, Err(NoSecret::Unavailable));
    aws.answers(Answer::Value(OLD));
    advance(SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
}

/// A refresh and a newer recheck. Both are still running.
fn refresh_and_recheck(state: &mut State) -> [Fetch; 2] {
    let (progress, _) = broadcast::channel(1);
    [false, true].map(|recheck| state.begin(recheck, progress.subscribe()))
}

fn failed(error: FetchError) -> Result<Secret, Failed> {
    Err(Failed { error, asked: Instant::now() })
}

#[tokio::test(start_paused = true)]
async fn denial_counts_even_if_a_newer_fetch_could_not_reach_secrets_manager() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    advance(TTL).await;
    let mut state = aws.store.state();
    let [refresh, recheck] = refresh_and_recheck(&mut state);
    state.end(&refresh, failed(FetchError::Denied));
    state.end(&recheck, failed(FetchError::Unreachable));
    assert!(state.stale().is_none());
}

#[tokio::test(start_paused = true)]
async fn denial_does_not_count_after_a_newer_fetch_succeeded() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    let mut state = aws.store.state();
    let [refresh, recheck] = refresh_and_recheck(&mut state);
    state.end(&recheck, Ok(Secret { fetch: recheck.id, ..saw }));
    state.end(&refresh, failed(FetchError::Denied));
    assert!(state.stale().is_some());
}

#[tokio::test(start_paused = true)]
async fn denial_counts_if_its_attempt_began_after_the_newest_success() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    let [refresh, recheck] = refresh_and_recheck(&mut aws.store.state());
    aws.store.state().end(&recheck, Ok(Secret { fetch: recheck.id, ..saw }));
    advance(SECOND).await;
    aws.store.state().end(&refresh, failed(FetchError::Denied));
    assert!(aws.store.state().stale().is_none());
}

#[tokio::test(start_paused = true)]
async fn denial_after_an_outage_ends_the_use_of_the_cached_secret() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(GONE);
    advance(TTL).await;
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(DENIED);
    advance(PROBE_INTERVAL).await;
    assert_eq!(aws.current().await, Err(NoSecret::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn failed_fetch_is_retried_after_a_second_and_not_before() {
    for (failure, error) in [
        (DENIED, NoSecret::Unavailable),
        (Answer::Value("{}"), NoSecret::Invalid),
        (GONE, NoSecret::Unavailable),
    ] {
        let aws = SecretsManager::with(failure);
        assert_eq!(aws.current().await, Err(error));
        let calls = aws.calls();
        aws.answers(Answer::Value(NEW));
        advance(SECOND - Duration::from_millis(2)).await;
        let before = Instant::now();
        assert_eq!(aws.current().await, Err(error));
        assert_eq!((before.elapsed(), aws.calls()), (Duration::ZERO, calls));
        advance(Duration::from_millis(2)).await;
        assert_eq!(aws.current().await, Ok(NEW));
    }
}

#[tokio::test(start_paused = true)]
async fn fetch_that_was_frozen_does_not_fail_the_next_request() {
    let aws = SecretsManager::with(GONE);
    let first = aws.store.clone();
    let limit = WaitLimits::until(Instant::now() + SECOND);
    let first = tokio::spawn(async move { first.current(limit).await });
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(first.await.unwrap().unwrap_err(), NoSecret::Unavailable);
    // the fetch of the first request still runs; now the process is frozen until the fetch's timeout is over,
    // and Secrets Manager recovers
    let calls = aws.calls();
    advance(FETCH_TIMEOUT).await;
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
    assert!(aws.calls() > calls);
}
