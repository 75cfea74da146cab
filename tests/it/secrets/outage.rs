//! An outage of Secrets Manager while a secret is cached. The function uses the cached secret, and
//! at most one request in ten seconds waits.

use crate::support::{
    Answer, Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Order, Record,
    Reply, SendMessage, all_at_once, millis, one_second_passes, seconds, secret_outages,
};
use std::time::{Duration, Instant};

/// The limit for a request that does not wait, on a busy machine.
const QUICK: Duration = millis(500);

/// The limit for a request that waits a second for the secret.
const WAITS_ONE_SECOND: Duration = millis(1_600);

fn good() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

/// A delivery that is signed with another key. During an outage the function cannot know whether
/// this key is the secret's new value.
fn forged() -> Delivery {
    Delivery::signed(MEDIA_AVAILABLE, OTHER_SECRET)
}

/// A function whose cached secret has expired, and whose next request comes during the outage.
async fn expired(aws: &Aws, outage: Reply) -> Function {
    let function = Function::of(aws).holding().short_lived_secret().start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, outage);
    one_second_passes().await;
    function
}

/// Sends this many requests, one after another, and expects this verdict for each.
async fn send(
    function: &Function,
    delivery: &Delivery,
    count: usize,
    verdict: &str,
) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..count {
        let answer = function.invoke(delivery).await;
        assert_eq!(answer.verdict(), verdict);
        took.push(answer.waited);
    }
    took
}

fn assert_first_waits_alone(took: &[Duration], case: &str) {
    assert!(took[0] < WAITS_ONE_SECOND, "{case}: {took:?}");
    assert!(took[1..].iter().all(|took| *took < QUICK), "{case}: {took:?}");
    assert!(took.iter().sum::<Duration>() < seconds(3), "{case}: {took:?}");
}

#[tokio::test]
async fn good_events_use_the_cached_secret_and_only_the_first_waits_in_an_outage() {
    // in groups of 8, because more processes at once would slow down the measured requests
    for outages in secret_outages().chunks(8) {
        all_at_once(outages, async |outage| {
            let case = format!("{outage:?}");
            let aws = Aws::start().await;
            let function = expired(&aws, outage.clone()).await;
            let took = send(&function, &good(), 12, "200 accepted").await;
            assert_first_waits_alone(&took, &case);
            assert_eq!(aws.queued().len(), 13, "{case}");
            assert!(aws.calls(GetSecretValue) >= 2, "{case}: Secrets Manager was asked");
        })
        .await;
    }
}

#[tokio::test]
async fn forged_events_are_held_and_only_the_first_waits_in_an_outage() {
    for outages in secret_outages().chunks(8) {
        all_at_once(outages, async |outage| {
            let case = format!("{outage:?}");
            let aws = Aws::start().await;
            let function = expired(&aws, outage.clone()).await;
            let sends = aws.calls(SendMessage); // one, or more if this machine was too slow for one
            let took = send(&function, &forged(), 6, "503 held secret_unavailable").await;
            assert_first_waits_alone(&took, &case);
            assert_eq!(aws.held().len(), 6, "{case}");
            assert_eq!(aws.calls(SendMessage), sends, "{case}");
            let took = send(&function, &good(), 3, "200 accepted").await;
            assert!(took.iter().all(|took| *took < QUICK), "{case}: {took:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn age_of_the_cached_secret_is_logged_during_an_outage() {
    let aws = Aws::start().await;
    let function = expired(&aws, Reply::Error(503, "ServiceUnavailableException")).await;
    let answer = function.invoke(&good()).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert!(answer.log["secret_age_s"].as_u64() >= Some(1), "{}", answer.log);
}

/// A long outage with valid and forged events.
#[tokio::test]
async fn at_most_one_request_in_ten_seconds_waits_during_an_outage() {
    let outages = [
        Reply::Hang,
        Reply::Error(503, "ServiceUnavailableException"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Break(Order::Reset),
    ];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        let function = expired(&aws, outage).await;
        let began = Instant::now();
        let mut waited: Vec<Instant> = Vec::new();
        while began.elapsed() < seconds(13) {
            for (delivery, verdict) in
                [(good(), "200 accepted"), (forged(), "503 held secret_unavailable")]
            {
                let answer = function.invoke(&delivery).await;
                assert_eq!(answer.verdict(), verdict, "{case}");
                assert!(answer.waited < WAITS_ONE_SECOND, "{case}: {:?}", answer.took);
                if answer.waited > QUICK {
                    waited.push(Instant::now());
                }
            }
            tokio::time::sleep(millis(150)).await;
        }
        let waited: Vec<_> = waited.iter().map(|at| *at - began).collect();
        let apart = waited.windows(2).all(|two| two[1] - two[0] > millis(9_000));
        assert!(apart, "{case}: waited after {waited:?}");
    })
    .await;
}

#[tokio::test]
async fn concurrent_requests_in_an_outage_wait_a_second_for_the_same_fetch() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().short_lived_secret().concurrency(8).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.always(GetSecretValue, Reply::Hang);
    one_second_passes().await;
    for longest in [WAITS_ONE_SECOND, QUICK] {
        all_at_once(0..8, async |_| {
            let answer = function.invoke(&good()).await;
            assert_eq!(answer.verdict(), "200 accepted");
            assert!(answer.waited < longest, "{:?} of {:?}", answer.waited, answer.took);
        })
        .await;
    }
}

/// Sends valid events until one is verified with a secret that was fetched after the outage.
async fn until_fetched_again(function: &Function, case: &str) -> Answer {
    let began = Instant::now();
    loop {
        let answer = function.invoke(&good()).await;
        assert_eq!(answer.verdict(), "200 accepted", "{case}");
        if answer.log["secret_age_s"] == 0 {
            return answer;
        }
        assert!(began.elapsed() < seconds(12), "{case}: {}", answer.log);
        tokio::time::sleep(millis(400)).await;
    }
}

#[tokio::test]
async fn cached_secret_is_refreshed_soon_after_an_outage_ends() {
    let outages = [Reply::Hang, Reply::Error(503, "ServiceUnavailableException")];
    let cases = outages.into_iter().flat_map(|outage| [false, true].map(|f| (outage.clone(), f)));
    all_at_once(cases, async |(outage, frozen)| {
        let case = format!("{outage:?}, frozen: {frozen}");
        let aws = Aws::start().await;
        let start = Function::of(&aws).holding().short_lived_secret();
        let start = if frozen { start.frozen_between_invocations() } else { start };
        let function = start.start().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        aws.always(GetSecretValue, outage);
        for _ in 0..5 {
            one_second_passes().await;
            assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        }
        aws.works_again(GetSecretValue);
        until_fetched_again(&function, &case).await;
        assert!(function.undelivered().is_empty(), "{case}");
    })
    .await;
}

#[tokio::test]
async fn cached_secret_is_used_until_secrets_manager_is_reachable_again() {
    let mut aws = Aws::start().await;
    let queue = Aws::start().await;
    let start = Function::of(&aws).also(&queue).short_lived_secret();
    let function = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).start().await;
    assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted");
    aws.gone().await;
    one_second_passes().await;
    let took = send(&function, &good(), 3, "200 accepted").await;
    assert_first_waits_alone(&took, "gone");
    aws.keep(OTHER_SECRET);
    aws.back();
    // An event that needs the new value causes a recheck, at most a second after the last failure.
    function.until_verdict("200 accepted", &forged(), seconds(3)).await;
    assert_eq!(function.invoke(&good()).await.verdict(), "401 signature_invalid");
    assert_eq!(queue.queued().len(), 5);
}

/// The function cannot know that the secret was replaced, but must not refuse the event.
#[tokio::test]
async fn event_signed_with_a_new_secret_is_held_in_an_outage_and_then_accepted() {
    // before and after the cached secret has expired
    let cases = secret_outages().into_iter().zip(["300", "1"].into_iter().cycle());
    all_at_once(cases, async |(outage, ttl)| {
        let case = format!("{outage:?}, TTL {ttl} s");
        let aws = Aws::start().await;
        let start = Function::of(&aws).holding().env("SECRET_TTL_SECONDS", ttl);
        let function = start.start().await;
        assert_eq!(function.invoke(&good()).await.verdict(), "200 accepted", "{case}");
        aws.keep(OTHER_SECRET);
        aws.always(GetSecretValue, outage);
        one_second_passes().await;
        let by_the_new = forged();
        let answer = function.invoke(&by_the_new).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        let [held] = aws.held().try_into().expect("one held message");
        assert_eq!(held.body, by_the_new.bearer(), "{case}");
        aws.works_again(GetSecretValue);
        let over = Instant::now();
        loop {
            let batch = function.deliver([Record::new("a", &held.body)]).await;
            let verdicts = batch.verdicts();
            if verdicts == ["accepted none"] {
                break;
            }
            assert_eq!(verdicts, ["held secret_unavailable"], "{case}");
            assert!(over.elapsed() < seconds(3), "{case}: still held");
            tokio::time::sleep(millis(50)).await;
        }
        assert_eq!(aws.queued().len(), 2, "{case}");
    })
    .await;
}
