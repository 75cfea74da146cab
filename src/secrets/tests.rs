use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};
use aws_smithy_types::body::SdkBody;
use tokio::time::advance;

use super::*;

const TTL: Duration = Duration::from_secs(300);
const MAX_STALE: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const OLD: &str = "the old secret, of 32 bytes or more";
const NEW: &str = "the new secret, of 32 bytes or more";

#[derive(Clone, Copy)]
enum Answer {
    Value(&'static str),
    Error(u16, &'static str),
}

const GONE: Answer = Answer::Error(503, "ServiceUnavailable");
const DENIED: Answer = Answer::Error(400, "AccessDeniedException");

/// The real client, with a Secrets Manager whose answer the test changes.
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
        let store = SecretStore::new(client, "jw/webhook".to_owned(), TTL, MAX_STALE);
        Self { answer, calls, store }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    async fn current(&self) -> Result<&'static str, Failure> {
        self.store.current(Instant::now() + FETCH_TIMEOUT).await.map(|secret| name(&secret))
    }

    async fn secret(&self) -> Secret {
        self.store.current(Instant::now() + FETCH_TIMEOUT).await.unwrap()
    }

    async fn recheck(&self, seen: &Secret) -> Recheck {
        self.store.recheck(seen, Instant::now() + FETCH_TIMEOUT).await
    }
}

fn name(secret: &Secret) -> &'static str {
    match secret.ring() {
        KeyRing::Single(key) if key.bytes() == OLD.as_bytes() => OLD,
        KeyRing::Single(key) if key.bytes() == NEW.as_bytes() => NEW,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_fetched_once_and_again_at_its_ttl() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(Answer::Value(NEW));
    advance(TTL - SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
    assert_eq!(aws.calls.num_calls(), 1);
    advance(SECOND).await;
    assert_eq!(aws.current().await, Ok(NEW));
    assert_eq!(aws.calls.num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_at_once_share_one_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let results = tokio::join!(aws.current(), aws.current(), aws.current());
    assert_eq!(results, (Ok(OLD), Ok(OLD), Ok(OLD)));
    assert_eq!(aws.calls.num_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_secrets_manager_is_unreachable_the_cached_secret_serves_up_to_its_bound() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(GONE);
    advance(TTL).await;
    let before = Instant::now();
    assert_eq!(aws.current().await, Ok(OLD));
    assert!(before.elapsed() <= PATIENCE_WITH_FALLBACK + SECOND / 10, "{:?}", before.elapsed());
    advance(MAX_STALE - TTL - 10 * SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
    advance(10 * SECOND).await;
    assert_eq!(aws.current().await, Err(Failure::SecretUnavailable));
}

#[tokio::test(start_paused = true)]
async fn a_refused_secret_serves_to_its_ttl_and_no_longer_even_in_an_outage() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    aws.answers(DENIED);
    advance(TTL - SECOND).await;
    assert_eq!(aws.current().await, Ok(OLD));
    advance(SECOND).await;
    assert_eq!(aws.current().await, Err(Failure::SecretUnavailable));
    aws.answers(GONE);
    assert_eq!(aws.current().await, Err(Failure::SecretUnavailable));
    aws.answers(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_not_remembered() {
    for failure in [GONE, DENIED] {
        let aws = SecretsManager::with(failure);
        assert_eq!(aws.current().await, Err(Failure::SecretUnavailable));
        aws.answers(Answer::Value(NEW));
        assert_eq!(aws.current().await, Ok(NEW));
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_without_a_key_is_a_fault_of_ours_until_it_is_mended() {
    let aws = SecretsManager::with(Answer::Value("{}"));
    assert_eq!(aws.current().await, Err(Failure::SecretInvalid));
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
}

#[tokio::test(start_paused = true)]
async fn a_recheck_brings_a_new_secret_at_once() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let seen = aws.secret().await;
    aws.answers(Answer::Value(NEW));
    assert!(matches!(aws.recheck(&seen).await, Recheck::Fetched(secret) if name(&secret) == NEW));
    assert_eq!(aws.current().await, Ok(NEW));
}

#[tokio::test(start_paused = true)]
async fn rechecks_fetch_at_most_once_in_30_seconds() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let mut seen = aws.secret().await;
    for calls in 2..=3 {
        assert!(matches!(aws.recheck(&seen).await, Recheck::Fetched(_)));
        seen = aws.secret().await;
        advance(RECHECK_INTERVAL - SECOND).await;
        for _ in 0..1000 {
            assert!(matches!(aws.recheck(&seen).await, Recheck::TooSoon));
        }
        assert_eq!(aws.calls.num_calls(), calls);
        advance(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_saw_an_older_secret_gets_the_newer_one_without_a_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let seen = aws.secret().await;
    advance(TTL).await;
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
    assert!(matches!(aws.recheck(&seen).await, Recheck::Fetched(secret) if name(&secret) == NEW));
    assert_eq!(aws.calls.num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_that_recheck_at_once_share_one_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let seen = aws.secret().await;
    advance(SECOND).await;
    aws.answers(Answer::Value(NEW));
    let rechecks = tokio::join!(aws.recheck(&seen), aws.recheck(&seen), aws.recheck(&seen));
    for recheck in <[Recheck; 3]>::from(rechecks) {
        assert!(matches!(recheck, Recheck::Fetched(secret) if name(&secret) == NEW));
    }
    assert_eq!(aws.calls.num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_recheck_that_failed_says_so_until_a_fetch_succeeds() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let seen = aws.secret().await;
    aws.answers(GONE);
    for _ in 0..2 {
        let recheck = aws.recheck(&seen).await;
        assert!(matches!(recheck, Recheck::Failed(Failure::SecretUnavailable)), "{recheck:?}");
    }
    assert_eq!(aws.current().await, Ok(OLD));
}

#[tokio::test(start_paused = true)]
async fn rechecks_at_once_that_fail_make_one_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let seen = aws.secret().await;
    aws.answers(DENIED);
    for _ in 0..100 {
        tokio::join!(aws.recheck(&seen), aws.recheck(&seen), aws.recheck(&seen));
    }
    assert_eq!(aws.calls.num_calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_began_before_a_request_does_not_fail_it() {
    let aws = SecretsManager::with(GONE);
    let first = aws.store.clone();
    let first = tokio::spawn(async move { first.current(Instant::now() + SECOND).await });
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(first.await.unwrap().unwrap_err(), Failure::SecretUnavailable);
    // its fetch still goes on; the process freezes past the fetch's end, and Secrets Manager is back
    let last_attempt_failed = aws.calls.num_calls();
    advance(FETCH_TIMEOUT).await;
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
    assert!(aws.calls.num_calls() > last_attempt_failed);
}
