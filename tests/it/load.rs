//! Under load, the function loses no event, and its memory does not grow. During a flood of forged
//! events, it accepts every valid event, and calls Secrets Manager no more often than allowed.
//!
//! By default, the tests assert only what does not depend on how busy the machine is: losses,
//! calls, memory. `make load` (`LOAD_EVENTS`) sends a hundred thousand events to the release build
//! and prints figures. It also asserts on times, each relative to other times of the same run.

mod figures;
mod process;
mod runtime_api;

use crate::support::{
    Aws, Delivery, GetSecretValue, OTHER_SECRET, SECRET, SendMessage, all_at_once, event, number,
    seconds,
};
use figures::{Figures, median, times};
pub use process::Process;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::iter::repeat;
use std::time::{Duration, Instant};

const EVENTS: usize = 1_500;

/// The most kB by which the process's memory may grow after the first tenth of a run. Fragmentation
/// and the growth of buffers need less. Memory that is stored for each event would need more.
const MEMORY_GROWTH: usize = 1_024;

fn events() -> (usize, bool) {
    let asked_for = number("LOAD_EVENTS");
    let events = asked_for.unwrap_or(EVENTS);
    assert!(
        events >= 400 && events.is_multiple_of(10),
        "LOAD_EVENTS is {events}. Set it to a multiple of 10, because each tenth is measured, and to at least 400"
    );
    (events, asked_for.is_some())
}

fn media_id(number: usize) -> String {
    format!("{number:08}")
}

fn good(number: usize) -> String {
    Delivery::of(event(json!({"media_id": media_id(number)}))).event().to_string()
}

fn forged(number: usize) -> String {
    let claims = event(json!({"media_id": media_id(number)}));
    Delivery::signed(claims, OTHER_SECRET).event().to_string()
}

/// Sends a valid event and returns its message ID and the time to the answer.
async fn accepted(process: &Process, number: usize) -> (String, Duration) {
    let (answer, took) = process.api.invoke(good(number)).await;
    assert_eq!(answer["statusCode"], 200, "event {number}: {answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    (body["message_id"].as_str().expect("an id").to_owned(), took)
}

/// Sends events, `at_once` of them concurrently, and checks that each is in the queue.
async fn send(process: &Process, aws: &Aws, numbers: &[usize], at_once: usize) -> Figures {
    let cpu = process.cpu();
    let mut latencies = Vec::new();
    for some in numbers.chunks(500) {
        let lanes = (0..at_once).map(|lane| some.iter().copied().skip(lane).step_by(at_once));
        let sent = all_at_once(lanes, async |lane| {
            let mut sent = Vec::new();
            for number in lane {
                sent.push((number, accepted(process, number).await));
            }
            sent
        });
        let sent = sent.await.concat();
        let queued: HashMap<_, _> =
            aws.drained().into_iter().map(|message| (message.id.clone(), message)).collect();
        for (number, (message_id, took)) in sent {
            let media_id =
                queued.get(&message_id).and_then(|message| message.attribute("media_id"));
            assert_eq!(media_id, Some(self::media_id(number).as_str()), "event {number} is lost");
            latencies.push(took);
        }
    }
    Figures {
        latency: median(latencies),
        cpu: (process.cpu() - cpu) / u32::try_from(numbers.len()).expect("a number of events"),
        resident: process.resident(),
    }
}

async fn load_loses_no_event_and_leaks_no_memory(at_once: u8) {
    let (events, measured) = events();
    let aws = Aws::start().await;
    let process = Process::start(&aws, at_once, seconds(300)).await;
    let numbers: Vec<_> = (0..events).collect();
    let mut tenths = Vec::new();
    for tenth in numbers.chunks(events / 10) {
        let figures = send(&process, &aws, tenth, at_once.into()).await;
        eprintln!("load: {at_once} at once, to event {}: {figures}", tenth[tenth.len() - 1] + 1);
        tenths.push(figures);
    }
    assert_eq!(process.undelivered(), 0);
    // A leak grows in every tenth of the run. Other work on the machine slows down only some
    // tenths. So the test compares the best of the first tenths with the best of the last tenths.
    let (first, last) = (Figures::best(&tenths[..3]), Figures::best(&tenths[7..]));
    let grown = tenths[9].resident.saturating_sub(tenths[0].resident);
    let (latency, cpu) = (times(first.latency, last.latency), times(first.cpu, last.cpu));
    eprintln!(
        "load: {events} events, {at_once} at once, none lost; from the first tenths to the last ones {grown} kB more memory, \
         {latency:.2} times the latency and {cpu:.2} times the CPU time of an event",
    );
    assert!(
        grown <= MEMORY_GROWTH,
        "the process's memory grew by {grown} kB, which is more than {MEMORY_GROWTH} kB"
    );
    if measured {
        assert!(cpu < 1.15, "events take more and more CPU time");
        assert!(latency < 1.5, "answers take longer and longer");
    }
}

#[tokio::test]
async fn sequential_load_loses_no_event_and_leaks_no_memory() {
    load_loses_no_event_and_leaks_no_memory(1).await;
}

#[tokio::test]
async fn parallel_load_loses_no_event_and_leaks_no_memory() {
    load_loses_no_event_and_leaks_no_memory(8).await;
}

/// Ten forged events come with each valid event. In the first flood, all ten come before the valid
/// event, one at a time, as in one of Lambda's execution environments. In the second flood, seven
/// of the ten come at the same time as the valid event, as on a managed instance.
#[tokio::test]
async fn flood_of_forged_events_stays_below_the_call_limit_and_loses_no_valid_event() {
    const TTL: Duration = seconds(2);
    let (events, measured) = events();
    let goods = events / 40; // a quarter for each of two floods; ten in eleven events are forged
    for at_once in [1, 8] {
        let aws = Aws::start().await;
        aws.keep(json!({"7Rav0hC5": SECRET}));
        let process = Process::start(&aws, at_once, TTL).await;
        let began = Instant::now();
        let (mut alone, mut flooded) = (Vec::new(), Vec::new());
        for number in 0..goods {
            // The two measurements alternate, so that the machine is equally busy for both.
            alone.push(accepted(&process, 2 * number).await.1);
            let bad = async || {
                let (answer, _) = process.api.invoke(forged(number)).await;
                assert_eq!(answer["statusCode"], 401, "{answer}");
            };
            let beside = usize::from(at_once) - 1;
            for _ in 0..10 - beside {
                bad().await;
            }
            let flood = all_at_once(0..beside, async |_| bad().await);
            let ((_, took), _) = tokio::join!(accepted(&process, 2 * number + 1), flood);
            flooded.push(took);
        }
        let took = began.elapsed();
        let calls = aws.calls(GetSecretValue);
        let allowed = 1 + within(took, TTL) + rechecks(took);
        let (alone, flooded) = (median(alone), median(flooded));
        eprintln!(
            "load: {} forgeries beside {goods} good events, {at_once} at once, in {took:.0?}: {calls} calls to \
             Secrets Manager of {allowed} allowed; median {alone:.1?} alone, {flooded:.1?} in the flood, {:.2} times",
            10 * goods,
            times(alone, flooded)
        );
        assert!(calls <= allowed, "{calls} calls to Secrets Manager in {took:?}");
        assert_eq!(aws.calls(SendMessage), 2 * goods, "one call for each valid event");
        assert_eq!(process.undelivered(), 0);
        if measured {
            // The function has one thread. So a valid event waits for the CPU time of the
            // concurrent forged events, but for nothing else.
            let bound = if at_once == 1 { 1.3 } else { 8.0 };
            assert!(times(alone, flooded) < bound, "valid events take too long during the flood");
        }
    }
}

/// The maximum number of rechecks in this time while the secret stays the same. The first is
/// immediate. The pauses are then 0.5, 1, 2, 4, 8 and 16 s, and 30 s from then on.
fn rechecks(time: Duration) -> usize {
    let pauses = [500, 1_000, 2_000, 4_000, 8_000, 16_000].into_iter().chain(repeat(30_000));
    let ends = pauses.scan(Duration::ZERO, |end, pause| {
        *end += Duration::from_millis(pause);
        Some(*end)
    });
    1 + ends.take_while(|end| *end <= time).count()
}

/// The maximum number of events in this time with at most one event in each interval.
fn within(time: Duration, interval: Duration) -> usize {
    usize::try_from(time.as_millis() / interval.as_millis()).expect("a number") + 1
}
