//! Rechecks: when a token does not verify, the secret may have changed since the last fetch.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Order, Reply, SECRET,
    SendMessage, all_at_once, event, millis, one_second_passes, seconds,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A third webhook's secret.
const THIRD_SECRET: &str = "Zr5tYu8iOp1aSd4fGh7jKl0zXc3vBn6mQw9eRt2yUi5oPa8sDf1gHj4kLz7xCv0b";

fn old() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

fn new() -> Delivery {
    Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET)
}

fn third() -> Delivery {
    Delivery::signed(event(json!({"webhook_id": "2yW4KmiG"})), THIRD_SECRET)
}

fn forged() -> Delivery {
    Delivery::signed(MEDIA_AVAILABLE, "a key that an attacker made up, long enough")
}

fn one_key() -> Value {
    json!({"7Rav0hC5": SECRET})
}

fn two_keys() -> Value {
    json!({"7Rav0hC5": SECRET, "c0Y6ebVU": OTHER_SECRET})
}

/// A function that has fetched a ring with one key.
async fn warm(aws: &Aws, concurrency: u8) -> Function {
    aws.keep(one_key());
    let function = Function::of(aws).holding().concurrency(concurrency).start().await;
    assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
    assert_eq!(aws.calls(GetSecretValue), 1);
    function
}

/// Sends forged events one after another until this many milliseconds have passed since `began`.
async fn flood(function: &Function, began: Instant, until: u64) {
    while began.elapsed() < millis(until) {
        assert_eq!(function.invoke(&forged()).await.verdict(), FORGED);
        tokio::time::sleep(millis(20)).await;
    }
}

/// When a request that caused a recheck was sent, and when it was answered. The recheck ended
/// between these two times.
struct Rechecked {
    sent: Instant,
    answered: Instant,
}

/// Sends a request that causes an immediate recheck.
async fn recheck(aws: &Aws, function: &Function, delivery: &Delivery, verdict: &str) -> Rechecked {
    let calls = aws.calls(GetSecretValue);
    let sent = Instant::now();
    assert_eq!(function.invoke(delivery).await.verdict(), verdict);
    let answered = Instant::now();
    assert_eq!(aws.calls(GetSecretValue), calls + 1, "a recheck");
    Rechecked { sent, answered }
}

/// Sends requests one after another until one causes a recheck. The recheck must not come during
/// the `pause` after the last recheck, and must come immediately after the pause. Both checks are
/// correct on a machine of any speed.
async fn recheck_after(
    pause: Duration,
    last: &Rechecked,
    (aws, function): (&Aws, &Function),
    delivery: &Delivery,
    [in_pause, verdict]: [&str; 2],
) -> Rechecked {
    let calls = aws.calls(GetSecretValue);
    loop {
        let sent = Instant::now();
        let met = function.invoke(delivery).await.verdict();
        let answered = Instant::now();
        if aws.calls(GetSecretValue) > calls {
            assert_eq!((met.as_str(), aws.calls(GetSecretValue)), (verdict, calls + 1));
            assert!(answered - last.sent >= pause, "a recheck in the pause of {pause:?}");
            return Rechecked { sent, answered };
        }
        assert_eq!(met, in_pause);
        assert!(sent - last.answered < pause, "no recheck after the pause of {pause:?}");
        tokio::time::sleep(millis(20)).await;
    }
}

const FORGED: &str = "401 signature_invalid";

#[tokio::test]
async fn first_recheck_of_a_flood_is_immediate_and_the_pauses_double() {
    let aws = Aws::start().await;
    let function = warm(&aws, 1).await;
    let mut last = recheck(&aws, &function, &forged(), FORGED).await;
    for pause in [500, 1_000, 2_000, 4_000].map(millis) {
        let of = (&aws, &function);
        last = recheck_after(pause, &last, of, &forged(), [FORGED, FORGED]).await;
    }
    assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
    assert_eq!(aws.calls(SendMessage), 2);
}

#[tokio::test]
async fn concurrent_bad_requests_share_one_recheck() {
    let aws = Aws::start().await;
    let function = warm(&aws, 8).await;
    aws.always(GetSecretValue, Reply::Delay(millis(300)));
    let flood = (0..8).map(|number| match number % 2 {
        0 => (new(), "401 webhook_unknown"),
        _ => (forged(), "401 signature_invalid"),
    });
    all_at_once(flood, async |(delivery, verdict)| {
        assert_eq!(function.invoke(&delivery).await.verdict(), verdict);
    })
    .await;
    assert_eq!(
        aws.calls(GetSecretValue),
        2,
        "one fetch at the start and one recheck for the whole flood"
    );
    assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
    assert_eq!(aws.queued().len(), 2);
}

#[tokio::test]
async fn new_secret_value_ends_the_recheck_pause() {
    let aws = Aws::start().await;
    let function = warm(&aws, 1).await;
    let of = (&aws, &function);
    let mut last = recheck(&aws, &function, &forged(), FORGED).await;
    for pause in [500, 1_000].map(millis) {
        last = recheck_after(pause, &last, of, &forged(), [FORGED, FORGED]).await;
    }
    aws.keep(two_keys());
    let verdicts = ["401 webhook_unknown", "200 accepted"];
    recheck_after(seconds(2), &last, of, &new(), verdicts).await;

    // The new value has ended the pause, so the next two requests cause rechecks immediately.
    aws.keep(json!({"7Rav0hC5": SECRET, "c0Y6ebVU": OTHER_SECRET, "2yW4KmiG": THIRD_SECRET}));
    recheck(&aws, &function, &third(), "200 accepted").await;
    let last = recheck(&aws, &function, &forged(), FORGED).await;
    recheck_after(millis(500), &last, of, &forged(), [FORGED, FORGED]).await;
}

#[tokio::test]
async fn webhook_with_a_late_key_is_accepted_from_its_second_event_on() {
    let old_value = Reply::Altered(json!({"SecretString": one_key().to_string()}));
    all_at_once([false, true], async |is_stored| {
        let case = format!(
            "the new key is in the secret, but the first fetch returns the old value: {is_stored}"
        );
        let aws = Aws::start().await;
        let function = warm(&aws, 1).await;
        if is_stored {
            aws.keep(two_keys());
            aws.next(GetSecretValue, [old_value.clone()]);
        }
        assert_eq!(function.invoke(&new()).await.verdict(), "401 webhook_unknown", "{case}");
        aws.keep(two_keys());
        one_second_passes().await;
        for _ in 0..3 {
            assert_eq!(function.invoke(&new()).await.verdict(), "200 accepted", "{case}");
        }
        assert_eq!(aws.calls(GetSecretValue), 3, "{case}");
    })
    .await;
}

#[tokio::test]
async fn webhook_is_accepted_after_its_first_recheck_failed() {
    let failures = [
        Reply::Error(400, "AccessDeniedException"),
        Reply::Error(500, "InternalServiceError"),
        Reply::Error(400, "ThrottlingException"),
        Reply::Break(Order::Reset),
        Reply::Hang,
        Reply::Altered(json!({"SecretString": "too short"})),
    ];
    all_at_once(failures, async |failure| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        let function = warm(&aws, 1).await;
        aws.keep(two_keys());
        aws.always(GetSecretValue, failure);
        let answer = function.invoke(&new()).await;
        assert_eq!((answer.status, aws.held().len()), (503, 1), "{case}: {answer:#?}");
        aws.works_again(GetSecretValue);
        tokio::time::sleep(seconds(2)).await;
        function.until_verdict("200 accepted", &new(), seconds(3)).await;
        let refused = |line: &String| line.contains("webhook_unknown");
        assert!(!function.stdout.lines().iter().any(refused), "{case}: refused for lack of a key");
    })
    .await;
}

#[tokio::test]
async fn rechecks_pause_for_a_second_after_a_failed_recheck_and_events_are_held() {
    let unusable = Reply::Altered(json!({"SecretString": "too short"}));
    let failures = [
        (Reply::Error(400, "AccessDeniedException"), "503 held secret_unavailable"),
        (Reply::Error(400, "ResourceNotFoundException"), "503 held secret_unavailable"),
        (unusable, "503 held secret_invalid"),
    ];
    all_at_once(failures, async |(failure, verdict)| {
        let case = format!("{failure:?}");
        let aws = Aws::start().await;
        let function = warm(&aws, 8).await;
        aws.always(GetSecretValue, failure);
        let began = Instant::now();
        assert_eq!(function.invoke(&forged()).await.verdict(), verdict, "{case}");
        let none_waits = async || {
            all_at_once([forged(), new(), forged(), new()], async |delivery| {
                let answer = function.invoke(&delivery).await;
                assert_eq!(answer.verdict(), verdict, "{case}");
                assert!(answer.waited < millis(500), "{case}: {:?}", answer.took);
            })
            .await;
            assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted", "{case}");
            tokio::time::sleep(millis(50)).await;
        };
        let mut calls = aws.calls(GetSecretValue);
        assert_eq!(calls, 2, "{case}: at start, and the first recheck");
        let mut rechecked = Instant::now();
        while calls < 4 {
            let is_due = rechecked.elapsed() >= seconds(1);
            none_waits().await;
            if is_due {
                aws.until_calls(GetSecretValue, calls + 1).await;
            }
            if aws.calls(GetSecretValue) > calls {
                calls = aws.calls(GetSecretValue);
                rechecked = Instant::now();
                let pauses = seconds(calls as u64 - 2);
                assert!(began.elapsed() >= pauses, "{case}: {calls} calls too soon");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn flood_during_an_outage_causes_few_calls_to_secrets_manager() {
    let aws = Aws::start().await;
    let function = warm(&aws, 8).await;
    aws.always(GetSecretValue, Reply::Error(500, "InternalServiceError"));
    let began = Instant::now();
    while began.elapsed() < seconds(4) {
        all_at_once(0..8, async |_| {
            let answer = function.invoke(&forged()).await;
            assert_eq!(answer.verdict(), "503 held secret_unavailable");
        })
        .await;
        assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
        tokio::time::sleep(millis(50)).await;
    }
    let calls = aws.calls(GetSecretValue);
    assert!(calls <= 40, "{calls} calls in {:?}", began.elapsed());
    assert_eq!(aws.most_at_once(GetSecretValue), 1);
}

#[tokio::test]
async fn event_is_held_in_a_recheck_pause_if_the_secret_expired_in_an_outage() {
    let outages = [Reply::Hang, Reply::Error(503, "ServiceUnavailableException")];
    all_at_once(outages, async |outage| {
        let case = format!("{outage:?}");
        let aws = Aws::start().await;
        aws.keep(one_key());
        let function = Function::of(&aws).holding().short_lived_secret().start().await;
        assert_eq!(function.invoke(&forged()).await.verdict(), "401 signature_invalid", "{case}");
        let began = Instant::now();
        flood(&function, began, 1_650).await; // the pause after the third recheck is two seconds
        aws.always(GetSecretValue, outage);
        aws.keep(two_keys());
        tokio::time::sleep(millis(1_200)).await;
        let answer = function.invoke(&new()).await;
        assert_eq!(answer.verdict(), "503 held secret_unavailable", "{case}");
        assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted", "{case}");
    })
    .await;
}
