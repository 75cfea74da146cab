//! Every time check of a held event uses the time at which the event was held.

use super::record;
use crate::support::{Aws, Delivery, Function, MEDIA_AVAILABLE, at, event};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time when the events were held, in seconds from now.
const HELD: i64 = -3_600;

/// JW's `event_time` this many seconds after the event was held.
fn jw_time(after: i64) -> Value {
    json!({"event_time": at(HELD + after)})
}

/// A registered claim with a time this many seconds after the event was held.
fn claim(name: &str, after: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    json!({name: i64::try_from(now).expect("a time") + HELD + after})
}

#[tokio::test]
async fn time_checks_use_the_time_when_the_event_was_held() {
    let stale = "refused event_stale";
    let not_valid = "refused claims_not_valid";
    let cases = [
        (jw_time(0), "accepted none"),
        (jw_time(-590), "accepted none"),
        (jw_time(-610), stale),
        (jw_time(290), "accepted none"),
        (jw_time(310), stale),
        (jw_time(3_590), stale),
        (json!({"event_time": null}), stale),
        (json!({"event_time": "an hour ago"}), stale),
        (claim("exp", 10), "accepted none"),
        (claim("exp", -10), not_valid),
        (claim("nbf", -10), "accepted none"),
        (claim("nbf", 10), not_valid),
        (claim("iat", -10), "accepted none"),
        (claim("iat", 10), not_valid),
    ];
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    for (changes, verdict) in cases {
        let mut claims = jw_time(0);
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let held = record("a", &Delivery::of(event(claims))).sent(HELD);
        let batch = function.deliver([held]).await;
        assert_eq!(batch.verdicts(), [verdict], "{changes}");
        assert!(batch.stay.is_empty(), "{changes}");
    }
}

#[tokio::test]
async fn event_that_was_fresh_when_it_was_held_is_accepted_a_day_later() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().env("MAX_EVENT_AGE_SECONDS", "600").start().await;
    const DAY: i64 = 86_400;
    let delivery = Delivery::of(event(json!({"event_time": at(-DAY - 5)})));
    assert_eq!(function.invoke(&delivery).await.verdict(), "401 event_stale");
    let batch = function.deliver([record("a", &delivery).sent(-DAY)]).await;
    assert_eq!(batch.verdicts(), ["accepted none"]);
}

#[tokio::test]
async fn logged_age_of_a_held_event_is_its_age_when_it_entered_the_held_queue() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).holding().start().await;
    let event_time = 1_700_001_010_000; // the time in the sample event, in milliseconds
    for age in [0, 1_234, 86_400_000, -1_500] {
        let held = record("a", &Delivery::of(MEDIA_AVAILABLE)).sent_at(event_time + age);
        let batch = function.deliver([held]).await;
        assert_eq!(batch.verdicts(), ["accepted none"], "{age}");
        assert_eq!(batch.logs[0]["event_age_ms"], age);
    }
}
