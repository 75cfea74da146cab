//! How long a secret may be used. The function fetches the secret again after the TTL. When Secrets
//! Manager denies this fetch, the secret is no longer used; during an outage, the secret is used up
//! to `SECRET_MAX_STALE_SECONDS`.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Reply, SendMessage,
    all_at_once, millis, one_second_passes, seconds, secret_outages, secret_refusals,
};
use serde_json::json;
use std::time::Instant;

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

/// A function that has cached the secret, with a TTL of one second.
async fn warm(aws: &Aws) -> Function {
    let function = Function::of(aws).short_lived_secret().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    function
}

#[tokio::test]
async fn secret_is_fetched_again_at_its_ttl_and_not_before() {
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
async fn replaced_secret_verifies_nothing_after_its_ttl() {
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
async fn cached_secret_is_not_used_past_its_ttl_if_the_fetch_is_rejected() {
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

/// After Secrets Manager denies a fetch, no expired secret is used before the next successful
/// fetch, even if an outage follows the denial.
#[tokio::test]
async fn expired_secret_is_not_used_in_an_outage_after_a_denial_or_bad_value() {
    let refusals = [
        Reply::Error(400, "AccessDeniedException"),
        Reply::Altered(json!({"SecretString": "too short"})),
    ];
    let outages = [Reply::Error(500, "InternalServiceError"), Reply::Hang];
    let cases =
        refusals.into_iter().flat_map(|refusal| outages.clone().map(|o| (refusal.clone(), o)));
    all_at_once(cases, async |(refusal, outage)| {
        let case = format!("{refusal:?}, then {outage:?}");
        let aws = Aws::start().await;
        let function = warm(&aws).await;
        aws.always(GetSecretValue, refusal);
        one_second_passes().await;
        assert_eq!(function.invoke(&good()).await.status, 503, "{case}");
        aws.always(GetSecretValue, outage);
        for _ in 0..2 {
            one_second_passes().await;
            let answer = function.invoke(&good()).await;
            assert_eq!(answer.verdict(), "503 secret_unavailable", "{case}");
        }
        assert_eq!(aws.calls(SendMessage), 1, "{case}");
        aws.always(GetSecretValue, Reply::Normal);
        function.until_verdict("200 accepted", &good(), seconds(3)).await;
    })
    .await;
}

#[tokio::test]
async fn cached_secret_is_used_until_its_ttl_if_secrets_manager_denies_a_recheck() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().env("SECRET_TTL_SECONDS", "4").start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Error(400, "AccessDeniedException"));
    let forged = Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET); // causes a recheck
    assert_eq!(function.invoke(&forged).await.verdict(), "503 held secret_unavailable");
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Error(500, "InternalServiceError"));
    tokio::time::sleep(seconds(4)).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(
        answer.verdict(),
        "503 held secret_unavailable",
        "access was denied and the TTL is over"
    );
}

#[tokio::test]
async fn cached_secret_is_not_used_longer_than_its_maximum_stale_time() {
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
async fn request_without_a_secret_gets_503_and_a_later_request_fetches_again() {
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
        assert!(
            function.undelivered().is_empty(),
            "{failure:?}: an unverified event has no undelivered record"
        );
        aws.always(GetSecretValue, Reply::Normal);
        function.until_verdict("200 accepted", &good(), seconds(3)).await;
    })
    .await;
}

#[tokio::test]
async fn secret_fetch_takes_at_most_five_seconds() {
    let aws = Aws::start().await;
    aws.always(GetSecretValue, Reply::Hang);
    let began = std::time::Instant::now(); // the fetch begins when the function starts
    let function = Function::start(&aws).await;
    let answer = function.invoke(&good()).within(seconds(15)).await;
    assert_eq!(answer.verdict(), "503 secret_unavailable");
    assert!(answer.took < millis(6_000), "{:?}", answer.took);
    let took = began.elapsed();
    assert!(took > millis(4_000), "a slow response gets enough time: {took:?}");
}

#[tokio::test]
async fn event_is_accepted_if_secrets_manager_responds_slowly() {
    let aws = Aws::start().await;
    aws.next(GetSecretValue, [Reply::Error(400, "AccessDeniedException")]);
    aws.always(GetSecretValue, Reply::Delay(millis(1_500)));
    let function = Function::start(&aws).await;
    function.may_fetch_again_after_a_denial(&aws).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert!(answer.took > millis(1_400), "{:?}", answer.took);
}

#[tokio::test]
async fn request_in_the_second_after_a_failed_fetch_does_not_wait() {
    let failures = [
        Reply::Hang,
        Reply::Error(500, "InternalServiceError"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Error(400, "AccessDeniedException"),
    ];
    all_at_once(failures, async |failure| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        aws.always(GetSecretValue, failure);
        let function = Function::of(&aws).holding().start().await;
        let first = function.invoke(&good()).within(seconds(15)).await;
        assert_eq!(first.verdict(), "503 held secret_unavailable", "{case}");
        assert!(first.waited < millis(6_000), "{case}: {:?}", first.took);
        let calls = aws.calls(GetSecretValue);
        for _ in 0..5 {
            let next = function.invoke(&good()).await;
            assert_eq!(next.verdict(), "503 held secret_unavailable", "{case}");
            assert!(next.waited < millis(500), "{case}: {:?}", next.took);
        }
        assert_eq!(aws.calls(GetSecretValue), calls, "{case}");
        one_second_passes().await;
        function.invoke(&good()).await.verdict();
        assert!(aws.calls(GetSecretValue) > calls, "{case}: the next request fetches again");
        assert_eq!(aws.held().len(), 7, "{case}");
    })
    .await;
}
