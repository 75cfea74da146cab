use super::*;

#[tokio::test(start_paused = true)]
async fn recheck_returns_a_new_secret_at_once() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    aws.answers(Answer::Value(NEW));
    assert!(matches!(aws.recheck(&saw).await, Recheck::Newer(secret) if name(&secret) == NEW));
    assert_eq!(aws.current().await, Ok(NEW));
}

#[tokio::test(start_paused = true)]
async fn pause_after_each_recheck_with_the_same_value_doubles_up_to_30_seconds() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    assert_eq!(aws.current().await, Ok(OLD));
    let start = Instant::now();
    let mut rechecks = Vec::new();
    while start.elapsed() < Duration::from_secs(122) {
        let calls = aws.calls();
        assert!(matches!(aws.forged().await, Recheck::Settled));
        if aws.calls() > calls {
            rechecks.push((start.elapsed().as_millis() + 50) / 100);
        }
        advance(SECOND / 100).await;
    }
    assert_eq!(rechecks, [0, 5, 15, 35, 75, 155, 315, 615, 915, 1215]);
}

#[tokio::test(start_paused = true)]
async fn new_value_or_five_quiet_minutes_end_the_pause() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let rechecks = async |aws: &SecretsManager| {
        let calls = aws.calls();
        for _ in 0..100 {
            assert!(matches!(aws.forged().await, Recheck::Settled));
            advance(SECOND / 2).await;
        }
        aws.calls() - calls
    };
    let many = rechecks(&aws).await;
    assert_eq!(rechecks(&aws).await, 2);
    aws.answers(Answer::Value(NEW));
    advance(TTL).await; // the refresh at the TTL returns the new value
    assert_eq!(aws.current().await, Ok(NEW));
    assert_eq!(rechecks(&aws).await, many - 1); // without the first fetch of the secret
    assert_eq!(rechecks(&aws).await, 2);
    advance(Duration::from_secs(300)).await;
    assert_eq!(rechecks(&aws).await, many); // one of these calls is the refresh
}

#[tokio::test(start_paused = true)]
async fn request_that_saw_an_older_secret_gets_the_newer_secret_without_a_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    advance(TTL).await;
    aws.answers(Answer::Value(NEW));
    assert_eq!(aws.current().await, Ok(NEW));
    assert!(matches!(aws.recheck(&saw).await, Recheck::Newer(secret) if name(&secret) == NEW));
    assert_eq!(aws.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_rechecks_share_one_fetch() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    aws.answers(Answer::Value(NEW));
    let rechecks = tokio::join!(aws.recheck(&saw), aws.recheck(&saw), aws.recheck(&saw));
    for recheck in <[Recheck; 3]>::from(rechecks) {
        assert!(matches!(recheck, Recheck::Newer(secret) if name(&secret) == NEW));
    }
    assert_eq!(aws.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_recheck_is_retried_after_a_second() {
    for (failure, error) in [
        (DENIED, NoSecret::Unavailable),
        (Answer::Value("{}"), NoSecret::Invalid),
        (GONE, NoSecret::Unavailable),
    ] {
        let aws = SecretsManager::with(Answer::Value(OLD));
        let saw = aws.secret().await;
        aws.answers(failure);
        let failed = |recheck| matches!(recheck, Recheck::Failed(why) if why == error);
        assert!(failed(aws.recheck(&saw).await));
        aws.answers(Answer::Value(NEW));
        let (before, calls) = (Instant::now(), aws.calls());
        for _ in 0..100 {
            assert!(failed(aws.recheck(&saw).await));
        }
        assert_eq!((before.elapsed(), aws.calls()), (Duration::ZERO, calls));
        assert_eq!(aws.current().await, Ok(OLD), "within its TTL");
        advance(SECOND).await;
        assert!(matches!(aws.recheck(&saw).await, Recheck::Newer(secret) if name(&secret) == NEW));
    }
}

#[tokio::test(start_paused = true)]
async fn recheck_waits_at_most_a_second() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    aws.answers(GONE);
    let before = Instant::now();
    assert!(matches!(aws.recheck(&saw).await, Recheck::Failed(NoSecret::Unavailable)));
    assert!(before.elapsed() <= SECOND, "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn recheck_does_not_use_a_fetch_that_began_before_the_request_failed() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let saw = aws.secret().await;
    advance(TTL).await;
    let refresh = aws.store.fetch(&mut aws.store.state());
    let since = aws.store.next_fetch();
    assert!(refresh.id < since);
    let recheck = aws.store.recheck(&saw, since, limits()).await;
    assert!(matches!(recheck, Recheck::Newer(secret) if secret.fetch >= since));
}

#[tokio::test(start_paused = true)]
async fn recheck_may_wait_a_second_even_after_a_slow_refresh() {
    let aws = SecretsManager::with(Answer::Value(OLD));
    let limits = limits();
    let saw = aws.store.current(limits).await.unwrap();
    advance(2 * SECOND).await; // a first fetch may take this long
    aws.answers(Answer::Value(NEW));
    let recheck = aws.store.recheck(&saw, aws.store.next_fetch(), limits).await;
    assert!(matches!(recheck, Recheck::Newer(secret) if name(&secret) == NEW));
}
