//! Lambda freezes the process between invocations. Time passes and connections break, and the
//! process does not notice.

use crate::support::{
    Aws, Delivery, Function, GetSecretValue, MEDIA_AVAILABLE, Order, Random, Reply, SendMessage,
    all_at_once, event, millis, number, one_second_passes, seconds,
};
use serde_json::json;
use std::collections::BTreeSet;

/// The bodies of the messages in the queue. If a message is queued twice, its body counts once.
fn bodies(aws: &Aws) -> BTreeSet<String> {
    aws.queued().into_iter().map(|message| message.body).collect()
}

const ENDS: [Order; 3] = [Order::Close, Order::Reset, Order::Mute];

/// This many sequences of freezes run at once, each with this many freezes.
const SEQUENCES: u64 = 8;
const FREEZES: usize = 12;

/// Random sequences of freezes: short ones, and some that are longer than the secret's TTL. The
/// connections to one service, to both or to none break during a freeze.
#[tokio::test]
async fn every_event_is_queued_after_a_freeze_of_any_length() {
    let seed = number("FREEZE_SEED").unwrap_or(20_231_114);
    let freezes = number("FREEZE_FREEZES").unwrap_or(FREEZES);
    all_at_once(seed..seed + SEQUENCES, async |seed| {
        let random = &mut Random::new(seed);
        let (secrets, queue) = (Aws::start().await, Aws::start().await);
        let start = Function::of(&secrets).also(&queue).short_lived_secret();
        let start = start.env("AWS_ENDPOINT_URL_SQS", &queue.url()).frozen_between_invocations();
        let function = start.start().await;
        for freeze in 0..freezes {
            let told = format!("freeze {freeze} of FREEZE_SEED={seed}");
            let claims = event(json!({"media_id": format!("media{freeze:03}")}));
            let answer = function.invoke(&Delivery::of(&claims)).within(seconds(6)).await;
            assert_eq!(answer.verdict(), "200 accepted", "{told}");
            let queued = queue.queued().pop().expect("a message");
            assert_eq!(queued.body, claims, "{told}");
            assert_eq!(answer.body["message_id"], queued.id, "{told}");
            function.frozen().await;
            for service in [&secrets, &queue] {
                if !random.one_in(3) {
                    service.break_connections(*random.pick(&ENDS));
                }
            }
            tokio::time::sleep(millis(*random.pick(&[0, 1, 20, 300, 1_100, 2_200]))).await;
        }
        assert_eq!(bodies(&queue).len(), freezes, "FREEZE_SEED={seed}");
        assert_eq!(function.undelivered().len(), 0, "FREEZE_SEED={seed}");
    })
    .await;
    eprintln!("freeze: {SEQUENCES} sequences of {freezes} from seed {seed}, every event queued");
}

#[tokio::test]
async fn no_event_is_lost_if_a_cold_start_is_frozen_during_its_calls() {
    // the longest freeze ends just after the time limit of a fetch
    let times = [20, 2_000, 4_000, 5_000];
    let cases = ENDS.into_iter().flat_map(|how| times.map(|time| (how, time)));
    all_at_once(cases, async |(how, time)| {
        let aws = Aws::start().await;
        aws.next(GetSecretValue, [Reply::Delay(millis(300))]);
        let function = Function::of(&aws).start().await;
        aws.until_calls(GetSecretValue, 1).await;
        function.pause();
        aws.break_connections(how);
        tokio::time::sleep(millis(time)).await;
        function.resume();
        let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(6)).await;
        assert_eq!(answer.verdict(), "200 accepted", "{how:?} for {time} ms");
        assert_eq!(aws.queued().len(), 1, "{how:?} for {time} ms");
    })
    .await;
}

#[tokio::test]
async fn events_are_queued_after_many_connections_died_during_a_freeze() {
    let cases = ENDS.into_iter().flat_map(|how| [1, 3, 8].map(|events| (how, events)));
    all_at_once(cases, async |(how, events)| {
        let aws = Aws::start().await;
        let function = Function::of(&aws).short_lived_secret().concurrency(8).start().await;
        let send = async |number: usize| {
            let claims = event(json!({"media_id": format!("media{number:03}")}));
            let answer = function.invoke(&Delivery::of(claims)).await;
            assert_eq!(answer.verdict(), "200 accepted", "{how:?}, {number} of {events}");
        };
        aws.next(SendMessage, vec![Reply::Delay(millis(1_500)); 8]); // 8 connections
        all_at_once(0..8, send).await;
        let most = aws.most_at_once(SendMessage);
        assert!(most > 3, "at least as many connections as an event has attempts: {most}");
        function.pause();
        aws.break_connections(how);
        one_second_passes().await;
        function.resume();
        all_at_once(8..8 + events, send).await;
        assert_eq!(bodies(&aws).len(), 8 + events, "{how:?}");
    })
    .await;
}

#[tokio::test]
async fn no_event_is_lost_if_connections_died_during_a_freeze() {
    all_at_once(ENDS, async |how| {
        let aws = Aws::start().await;
        let function =
            Function::of(&aws).short_lived_secret().frozen_between_invocations().start().await;
        for round in 1..=3 {
            let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).within(seconds(3)).await;
            assert_eq!(answer.verdict(), "200 accepted", "{how:?}");
            assert_eq!(aws.queued().len(), round, "{how:?}");
            function.frozen().await;
            aws.break_connections(how);
            one_second_passes().await; // the secret has expired too
        }
        assert_eq!(function.undelivered().len(), 0, "{how:?}");
    })
    .await;
}

#[tokio::test]
async fn secret_expires_while_the_process_is_frozen() {
    let aws = Aws::start().await;
    let function = Function::of(&aws)
        .env("SECRET_TTL_SECONDS", "2")
        .frozen_between_invocations()
        .start()
        .await;
    assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
    function.frozen().await;
    assert_eq!(aws.calls(GetSecretValue), 1);
    tokio::time::sleep(seconds(2)).await;
    let answer = function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await;
    assert_eq!(answer.verdict(), "200 accepted");
    assert_eq!(answer.log["secret_age_s"], 0);
    assert_eq!(aws.calls(GetSecretValue), 2);
}

#[tokio::test]
async fn log_lines_of_a_request_are_written_before_its_response() {
    let aws = Aws::start().await;
    let function = Function::of(&aws).frozen_between_invocations().start().await;
    for _ in 0..5 {
        // If the process is stopped before it has written the wide event, the test fails.
        assert_eq!(function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(), "200 accepted");
        function.frozen().await;
    }
    assert_eq!(aws.calls(SendMessage), 5);
    aws.always(SendMessage, Reply::Error(403, "AccessDenied"));
    for _ in 0..5 {
        assert_eq!(
            function.invoke(&Delivery::of(MEDIA_AVAILABLE)).await.verdict(),
            "503 queue_refused"
        );
        function.frozen().await;
    }
    assert_eq!(function.undelivered().len(), 5);
}
