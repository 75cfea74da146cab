//! During a rotation, the function refuses no valid event: while the old and the new webhook
//! overlap, it accepts the events of both.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, OTHER_SECRET, Reply, SECRET,
    all_at_once, event, millis, one_second_passes, seconds,
};
use serde_json::{Value, json};
use std::time::Instant;

fn old() -> Delivery {
    Delivery::of(MEDIA_AVAILABLE)
}

fn new() -> Delivery {
    Delivery::signed(event(json!({"webhook_id": "c0Y6ebVU"})), OTHER_SECRET)
}

fn forged() -> Delivery {
    Delivery::signed(MEDIA_AVAILABLE, "a key that an attacker made up, long enough")
}

fn both() -> Value {
    json!({"7Rav0hC5": SECRET, "c0Y6ebVU": OTHER_SECRET})
}

#[tokio::test]
async fn both_webhooks_are_accepted_while_they_overlap() {
    let aws = Aws::start().await;
    aws.keep(both());
    let function = Function::start(&aws).await;
    for delivery in [old(), new(), old(), new()] {
        assert_eq!(function.invoke(&delivery).await.verdict(), "200 accepted");
    }
    assert_eq!(aws.calls(GetSecretValue), 1);
    let ids: Vec<_> = aws
        .queued()
        .iter()
        .map(|message| message.attribute("event_id").map(str::to_owned))
        .collect();
    assert_eq!(ids, vec![ids[0].clone(); 4], "one event");
}

#[tokio::test]
async fn no_valid_event_is_refused_from_the_start_to_the_end_of_a_rotation() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).short_lived_secret().start().await;
    let steps = [
        (json!({"7Rav0hC5": SECRET}), vec![old()], vec![]),
        (both(), vec![old(), new()], vec![]),
        (json!({"c0Y6ebVU": OTHER_SECRET}), vec![new()], vec![old()]),
    ];
    for (ring, good, gone) in steps {
        aws.keep(ring);
        one_second_passes().await;
        for delivery in good {
            assert_eq!(function.invoke(&delivery).await.verdict(), "200 accepted");
        }
        for delivery in gone {
            assert_eq!(function.invoke(&delivery).await.verdict(), "401 webhook_unknown");
        }
    }
}

#[tokio::test]
async fn first_event_of_a_new_secret_is_accepted_before_the_old_one_expires() {
    let of_the_same = Delivery::of(event(json!({"webhook_id": "c0Y6ebVU"})));
    let rotations = [
        ("a webhook joins the ring", json!({"7Rav0hC5": SECRET}), old(), both()),
        ("a single secret becomes a ring", json!(SECRET), old(), both()),
        ("a single secret is replaced", json!(SECRET), old(), json!(OTHER_SECRET)),
        ("a ring becomes a single secret", json!({"7Rav0hC5": SECRET}), old(), json!(OTHER_SECRET)),
        ("an entry is replaced", json!({"c0Y6ebVU": SECRET}), of_the_same, both()),
        ("an entry is corrected", json!({"7Rav0hC5": SECRET, "c0Y6ebVU": "short"}), old(), both()),
    ];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    all_at_once(rotations, async |(case, before, first, after)| {
        let aws = Aws::start().await;
        aws.keep(text(&before));
        let function = Function::start(&aws).await;
        assert_eq!(function.invoke(&first).await.verdict(), "200 accepted", "{case}");
        aws.keep(text(&after));
        assert_eq!(function.invoke(&new()).await.verdict(), "200 accepted", "{case}");
        assert_eq!(aws.calls(GetSecretValue), 2, "{case}");
        if after == both() {
            assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted", "{case}");
        }
    })
    .await;
}

#[tokio::test]
async fn requests_waiting_for_one_fetch_all_use_its_result() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let function = Function::of(&aws).concurrency(8).start().await;
    assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
    aws.keep(both());
    aws.always(GetSecretValue, Reply::Delay(millis(500)));
    all_at_once(0..8, async |number| {
        assert_eq!(function.invoke(&new()).await.verdict(), "200 accepted", "{number}");
    })
    .await;
    assert_eq!(aws.calls(GetSecretValue), 2);
    assert_eq!(aws.queued().len(), 9);
}

const HELD: &str = "503 held secret_unavailable";

/// Secrets Manager reads the ring at once, but its response takes `by` ms.
async fn late(aws: &Aws, function: &Function, by: u64) {
    one_second_passes().await;
    aws.next(GetSecretValue, [Reply::TakenThen(Box::new(Reply::Delay(millis(by))))]);
    let asks = aws.calls(GetSecretValue) + 1;
    let (answer, ()) = tokio::join!(function.invoke(&old()).into_future(), async {
        aws.until_calls(GetSecretValue, asks).await;
        aws.keep(both()); // the response under way still has the old ring
    });
    assert_eq!(answer.verdict(), "200 accepted");
}

#[tokio::test]
async fn event_is_not_refused_if_a_fetch_began_before_its_key_was_added() {
    // A request waits for a fetch for at most a second. After that the function cannot verify the
    // event, and holds it.
    let cases = [(700, &["200 accepted"][..]), (1_400, &["200 accepted", HELD])];
    all_at_once(cases, async |(by, verdicts)| {
        let aws = Aws::start().await;
        aws.keep(json!({"7Rav0hC5": SECRET}));
        let start = Function::of(&aws).holding().short_lived_secret();
        let function = start.concurrency(8).start().await;
        assert_eq!(function.invoke(&old()).await.verdict(), "200 accepted");
        let rotated = async {
            aws.until_calls(GetSecretValue, 2).await;
            function.invoke(&new()).await
        };
        let ((), answer) = tokio::join!(late(&aws, &function, by), rotated);
        let verdict = answer.verdict();
        assert!(verdicts.contains(&verdict.as_str()), "{by} ms: {verdict}");
        one_second_passes().await;
        assert_eq!(function.invoke(&new()).await.verdict(), "200 accepted", "{by} ms");
    })
    .await;
}

#[tokio::test]
async fn event_is_not_refused_because_of_a_response_older_than_the_ttl() {
    let aws = Aws::start().await;
    aws.keep(json!({"7Rav0hC5": SECRET}));
    let start = Function::of(&aws).holding().short_lived_secret();
    let function = start.concurrency(8).start().await;
    assert_eq!(function.invoke(&forged()).await.verdict(), "401 signature_invalid");
    let asks = aws.calls(GetSecretValue) + 1;
    let rotated = async {
        aws.until_calls(GetSecretValue, asks).await;
        one_second_passes().await; // the key has been stored for longer than the TTL
        function.invoke(&new()).await
    };
    let ((), answer) = tokio::join!(late(&aws, &function, 1_500), rotated);
    let verdict = answer.verdict();
    assert!(["200 accepted", HELD].contains(&verdict.as_str()), "{verdict}");
}

#[tokio::test]
async fn new_key_is_used_after_the_ttl_even_during_a_flood_of_forged_events() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).env("SECRET_TTL_SECONDS", "3").start().await;
    let began = Instant::now();
    // One fetch at the start, and rechecks after 0, 0.5, 1.5 and 3.5 s. The TTL is too long to
    // cause a fetch in this time.
    while aws.calls(GetSecretValue) < 5 {
        assert!(began.elapsed() < seconds(20), "{} fetches", aws.calls(GetSecretValue));
        assert_eq!(function.invoke(&forged()).await.verdict(), "401 signature_invalid");
        tokio::time::sleep(millis(20)).await;
    }
    aws.keep(both());
    let verdict = function.invoke(&new()).await.verdict();
    assert_eq!(verdict, "401 signature_invalid", "rechecks pause for 4 s");
    tokio::time::sleep(millis(3_100)).await; // longer than the TTL, shorter than the pause
    for delivery in [new(), old()] {
        assert_eq!(function.invoke(&delivery).await.verdict(), "200 accepted");
    }
}
