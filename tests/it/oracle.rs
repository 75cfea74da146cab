//! Compares the forwarder with JW's documented check, `jwt.decode(…) == json.loads(body)`, on
//! several thousand requests. JW's check must accept every request that the forwarder accepts, with
//! the same event ID. Both must accept every request that JW can send.
//!
//! `ORACLE_SEED` sets the seed and `ORACLE_CASES` the number of requests; `make reference` uses
//! both for a run of a whole night.

mod case;
mod json;
mod values;

use crate::support::{Aws, Delivery, Function, Random, SECRET, all_at_once, number, seconds};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use case::Case;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const SEED: u64 = 20_231_114;
const CASES: usize = 2_000;

/// The number of requests to one function. The number is small because the test stores and searches
/// all output of the function.
const BATCH: usize = 2_500;

/// The verdict of JW's check on each case.
fn ask(cases: &[Case]) -> Vec<Value> {
    let python = std::env::var_os("ORACLE_PYTHON")
        .expect("ORACLE_PYTHON names a Python that has PyJWT; `make test` sets it up");
    let mut oracle = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/local/oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ORACLE_PYTHON runs");
    let mut questions = oracle.stdin.take().expect("piped");
    let answers = BufReader::new(oracle.stdout.take().expect("piped"));
    let answers: Vec<Value> = std::thread::scope(|scope| {
        scope.spawn(move || {
            for case in cases {
                let body = BASE64_STANDARD.encode(&case.body);
                let question = json!({"token": case.token, "secret": SECRET, "body": body});
                writeln!(questions, "{question}").expect("the oracle reads");
            }
        });
        let lines = answers.lines().map(|line| line.expect("a line"));
        lines.map(|line| serde_json::from_str(&line).expect("JSON")).collect()
    });
    assert!(oracle.wait().expect("a child").success());
    assert_eq!(answers.len(), cases.len());
    answers
}

/// The forwarder's answer to each case: the status and the event ID.
async fn ours(cases: &[Case]) -> Vec<(u64, String)> {
    let aws = Aws::start().await;
    let function = Function::of(&aws).concurrency(8).start().await;
    let mut answers = Vec::new();
    for some in cases.chunks(8) {
        let some = all_at_once(some, async |case| {
            let delivery = Delivery::of("{}").token(&case.token).body(&case.body);
            // The timeout is long because only the answer matters here. Other tests check the time.
            let answer = function.invoke(&delivery).within(seconds(60)).await;
            answer.verdict();
            (answer.status, answer.event_id().to_owned())
        });
        answers.extend(some.await);
    }
    let failed = answers.iter().filter(|(status, _)| *status == 503).count();
    assert_eq!(failed, 0, "no verdict, because the stand-in for SQS was too slow");
    // Compared as sets, because a standard queue contains an event twice when it was sent again
    // after a timeout.
    let accepted: BTreeSet<_> =
        answers.iter().filter(|(status, _)| *status == 200).map(|(_, id)| id.clone()).collect();
    let queued: BTreeSet<_> = aws
        .queued()
        .iter()
        .map(|message| message.attribute("event_id").expect("an event id").to_owned())
        .collect();
    assert_eq!(queued, accepted, "the queue has exactly the accepted events");
    answers
}

/// The results of the requests of one kind.
#[derive(Default)]
struct Tally {
    both_accept: usize,
    pyjwt_alone_accepts: usize,
    both_refuse: usize,
}

#[tokio::test]
async fn accepted_requests_pass_jws_documented_check_with_the_same_event_id() {
    let seed = number("ORACLE_SEED").unwrap_or(SEED);
    let count = number("ORACLE_CASES").unwrap_or(CASES);
    let mut random = Random::new(seed);
    let mut faults = Vec::new();
    let mut tallies = BTreeMap::<_, Tally>::new();
    for batch in (0..count).step_by(BATCH) {
        if count > CASES {
            eprintln!("reference: {batch} of {count}, {} differences", faults.len());
        }
        let batch = batch..count.min(batch + BATCH);
        let cases: Vec<_> = batch.map(|_| Case::generate(&mut random)).collect();
        let (theirs, ours) = (ask(&cases), ours(&cases).await);
        for (case, (theirs, (status, event_id))) in cases.iter().zip(theirs.iter().zip(&ours)) {
            let we_accept = *status == 200;
            let they_accept = theirs["accepts"] == true;
            let fault = match (we_accept, they_accept) {
                (true, false) => "the forwarder alone accepts",
                (true, true) if theirs["event_id"] != *event_id => "another event id",
                (_, false) if case.is_good => "the generator is wrong",
                (false, _) if case.is_good => "a good event is refused",
                _ => "",
            };
            if !fault.is_empty() {
                faults.push(format!(
                    "{fault}: {case:#?}; ours: {status} {event_id}, theirs: {theirs}"
                ));
            }
            let tally = tallies.entry(case.done).or_default();
            tally.both_accept += usize::from(we_accept && they_accept);
            tally.pyjwt_alone_accepts += usize::from(!we_accept && they_accept);
            tally.both_refuse += usize::from(!we_accept && !they_accept);
        }
    }
    for (done, Tally { both_accept, pyjwt_alone_accepts, both_refuse }) in &tallies {
        eprintln!(
            "{done:<28} both accept {both_accept:6}, PyJWT alone {pyjwt_alone_accepts:6}, neither {both_refuse:6}"
        );
    }
    eprintln!("reference: seed {seed}, {count} requests, {} differences", faults.len());
    let told = faults.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "ORACLE_SEED={seed}, {} of {count} cases: {told}", faults.len());
    let accepted: usize = tallies.values().map(|tally| tally.both_accept).sum();
    let share = accepted as f64 / count as f64;
    assert!((0.3..0.7).contains(&share), "neither verdict is rare: {share} accepted");
    for kind in ["a registered claim", "an extreme value in both"] {
        let Tally { both_accept, both_refuse, .. } = tallies[kind];
        assert!(both_accept > 0 && both_refuse > 0, "{kind}: {both_accept} and {both_refuse}");
    }
}
