//! How long a secret is good for: fetched again at its age, served while Secrets Manager can't be
//! reached, and no longer once it refuses.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Order, Reply, SECRET,
    SendMessage, all_at_once, event, millis, one_second_passes, seconds, secret_outages,
    secret_refusals,
};
use serde_json::json;
use std::time::Instant;

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

/// A function that has the secret, of one second's life.
async fn warm(aws: &Aws) -> Function {
    let function = Function::of(aws).short_lived_secret().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    function
}

#[tokio::test]
async fn a_secret_is_fetched_again_at_its_ttl_and_not_before() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).env("SECRET_TTL_SECONDS", "2").start().await;
    let began = Instant::now();
    while began.elapsed() < seconds(1) {
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "200 accepted");
        assert!(answer.log["secret_age_s"].as_u64().expect("an age") <= 1);
    }
    assert_eq!(aws.calls(GetSecretValue), 1);
    tokio::time::sleep(seconds(2)).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(answer.log["secret_age_s"], 0, "fetched again");
    assert_eq!(aws.calls(GetSecretValue), 2);
}

#[tokio::test]
async fn a_secret_that_was_removed_verifies_nothing_after_its_ttl() {
    let aws = Aws::start().await;
    let function = warm(&aws).await;
    aws.keep(OTHER_SECRET);
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "401 signature_invalid");
    assert_eq!(
        function.invoke(&Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)).await.verdict(),
        "200 accepted"
    );
}

#[tokio::test]
async fn while_secrets_manager_is_unreachable_the_cached_secret_serves() {
    all_at_once(secret_outages(), async |outage| {
        let aws = Aws::start().await;
        let function = warm(&aws).await;
        aws.always(GetSecretValue, outage.clone());
        one_second_passes().await;
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "200 accepted", "{outage:?}");
        assert!(answer.log["secret_age_s"].as_u64() >= Some(1), "{outage:?}: {}", answer.log);
        assert!(aws.calls(GetSecretValue) >= 2, "{outage:?}: it was asked");
        assert!(
            answer.took < seconds(3),
            "{outage:?}: a stale secret in hand is not waited for: {:?}",
            answer.took
        );
        assert_eq!(aws.queued().len(), 2, "{outage:?}");
        // And it refuses as before.
        let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET);
        assert_eq!(function.invoke(&forged).await.verdict(), "401 signature_invalid", "{outage:?}");
    })
    .await;
}

#[tokio::test]
async fn with_secrets_manager_gone_the_cached_secret_serves_and_is_replaced_once_it_is_back() {
    let mut aws = Aws::start().await;
    let queue = Aws::start().await;
    let start = Function::of(&aws).also(&queue).short_lived_secret();
    let function = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.gone().await;
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.keep(OTHER_SECRET);
    aws.back();
    let by_the_new = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET);
    function.until_verdict("200 accepted", &by_the_new, seconds(3)).await;
    assert_eq!(function.invoke(&good()).await.verdict(), "401 signature_invalid");
    assert_eq!(queue.queued().len(), 3);
}

#[tokio::test]
async fn once_secrets_manager_refuses_the_cached_secret_is_not_used_past_its_ttl() {
    all_at_once(secret_refusals(), async |refusal| {
        let aws = Aws::start().await;
        let function = warm(&aws).await;
        aws.always(GetSecretValue, refusal.clone());
        one_second_passes().await;
        for _ in 0..3 {
            assert_eq!(
                function.invoke(&good()).await.verdict(),
                "503 secret_unavailable",
                "{refusal:?}"
            );
        }
        assert_eq!(aws.calls(SendMessage), 1, "{refusal:?}");
        aws.always(GetSecretValue, Reply::Normal);
        function.until_verdict("200 accepted", &good(), seconds(3)).await;
    })
    .await;
}

#[tokio::test]
async fn an_outage_after_a_refusal_brings_nothing_back() {
    let aws = Aws::start().await;
    let function = warm(&aws).await;
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 secret_unavailable");
    aws.always(GetSecretValue, Reply::Error(500, "InternalServiceError"));
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 secret_unavailable");
    assert_eq!(aws.calls(SendMessage), 1);
}

#[tokio::test]
async fn a_refusal_leaves_a_secret_its_ttl() {
    let aws = Aws::start().await;
    let function = Function::start(&aws).await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET); // has it fetched once more
    assert_eq!(function.invoke(&forged).await.status, 401);
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
}

#[tokio::test]
async fn a_cached_secret_serves_no_longer_than_the_limit() {
    let aws = Aws::start().await;
    let start = Function::of(&aws).short_lived_secret().env("SECRET_MAX_STALE_SECONDS", "3");
    let function = start.start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Error(500, "InternalServiceError"));
    one_second_passes().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    tokio::time::sleep(millis(2_100)).await;
    assert_eq!(function.invoke(&good()).await.verdict(), "503 secret_unavailable");
    assert_eq!(aws.calls(SendMessage), 2);
}

#[tokio::test]
async fn without_a_secret_the_answer_is_503_and_the_next_request_asks_again() {
    let failures = secret_outages()
        .into_iter()
        .filter(|reply| !matches!(reply, Reply::Hang))
        .chain(secret_refusals());
    all_at_once(failures, async |failure| {
        let aws = Aws::start().await;
        aws.always(GetSecretValue, failure.clone());
        let function = Function::start(&aws).await;
        let answer = function.invoke(&good()).within(seconds(4)).await;
        assert_eq!(answer.verdict(), "503 secret_unavailable", "{failure:?}");
        assert!(answer.log["secret_age_s"].is_null(), "{failure:?}");
        assert_eq!(aws.calls(SendMessage), 0, "{failure:?}");
        assert!(function.undelivered().is_empty(), "{failure:?}: what wasn't verified isn't kept");
        aws.always(GetSecretValue, Reply::Normal);
        function.until_verdict("200 accepted", &good(), seconds(3)).await;
    })
    .await;
}

#[tokio::test]
async fn getting_a_secret_takes_at_most_five_seconds() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Hang);
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).within(seconds(15)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert!(answer.took < millis(6_000), "{:?}", answer.took);
    assert!(answer.took > millis(2_000), "a slow answer had its chance: {:?}", answer.took);
}

#[tokio::test]
async fn a_slow_secret_is_waited_for() {
    let aws = Aws::start().await;
    aws.next(GetSecretValue, [Reply::Error(400, "AccessDeniedException")]);
    aws.always(GetSecretValue, Reply::Delay(millis(1_500)));
    let function = Function::start(&aws).await;
    aws.until_calls(GetSecretValue, 1).await;
    one_second_passes().await; // a fetch that failed may be tried again after a second
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert!(answer.took > millis(1_400), "{:?}", answer.took);
}

#[tokio::test]
async fn an_event_of_a_webhook_that_may_be_new_is_not_refused_while_nobody_can_tell() {
    let failures = [
        Reply::Error(500, "InternalServiceError"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Break(Order::Reset),
        Reply::Error(400, "AccessDeniedException"),
    ];
    all_at_once(failures, async |failure| {
        let aws = Aws::start().await;
        aws.keep(json!({"7Rav0hC5": SECRET}));
        let function = Function::start(&aws).await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
        aws.always(GetSecretValue, failure.clone());
        let of_another = Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET);
        assert_eq!(
            function.invoke(&of_another).await.verdict(),
            "503 secret_unavailable",
            "{failure:?}"
        );
        // A known webhook's key decides without a fetch.
        let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET);
        assert_eq!(
            function.invoke(&forged).await.verdict(),
            "401 signature_invalid",
            "{failure:?}"
        );
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{failure:?}");
    })
    .await;
}
