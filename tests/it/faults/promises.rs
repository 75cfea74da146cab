//! The promises that every run must keep, with any faults.

use super::case::{Case, Outcome};
use super::run::Run;
use super::schedule::Schedule;
use super::tally::Tally;
use crate::support::{Answer, Message};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Verdicts on a body that is not the token's payload.
const OF_A_BODY: [&str; 2] = ["401 body_mismatch", "400 body_malformed"];

/// Counts the results of a run's events, and returns every broken promise.
pub fn judge(schedule: &Schedule, run: &Run) -> (Tally, Vec<String>) {
    let mut judge = Judge {
        schedule,
        run,
        tally: Tally::default(),
        undelivered: Vec::new(),
        broken: Vec::new(),
    };
    let cases = || schedule.cases.iter().chain([&schedule.last]);
    for (case, answer) in cases().zip(run.answers.iter().chain([&run.last])) {
        judge.answer(case, answer);
    }
    judge.queue(cases());
    judge.held(cases().zip(run.answers.iter().chain([&run.last])));
    judge.log();
    if run.last.status != 200 {
        judge.break_("accept a good event after the faults", run.last.verdict());
    }
    if !run.lives {
        judge.break_("survive every fault", "the process has ended".to_owned());
    }
    judge.tally.schedules = 1;
    judge.tally.released = run.left.sent;
    judge.tally.released_amid_faults = run.left_amid_faults.sent;
    judge.tally.dropped = run.left.dropped;
    judge.tally.kept = run.stay.len();
    let sent_once = judge.tally.accepted + run.left.sent;
    judge.tally.sent_again = run.sends.len().saturating_sub(sent_once);
    (judge.tally, judge.broken)
}

struct Judge<'r> {
    schedule: &'r Schedule,
    run: &'r Run,
    tally: Tally,
    /// The records of the verified events that got no 2xx.
    undelivered: Vec<Value>,
    broken: Vec<String>,
}

impl Judge<'_> {
    fn break_(&mut self, promise: &str, how: String) {
        self.broken.push(format!("promised to {promise}, but {how}"));
    }

    fn answer(&mut self, case: &Case, answer: &Answer) {
        let verdict = answer.verdict();
        self.tally.events += 1;
        match &case.outcome {
            Outcome::Queued(message) => match verdict.as_str() {
                "200 accepted" => {
                    self.tally.accepted += 1;
                    self.receipt(message, answer);
                }
                "503 queue_unavailable" | "503 queue_refused" => {
                    self.tally.undelivered += 1;
                    self.undelivered.push(record(message, answer));
                }
                "503 held secret_unavailable" | "503 held secret_invalid" => self.tally.held += 1,
                "503 secret_unavailable" | "503 secret_invalid" => {
                    self.tally.lost += 1;
                    if !answer.is_lost() || !self.schedule.may_lose() {
                        self.break_(
                            "lose no event, and count each that is lost",
                            format!("{}", answer.log),
                        );
                    }
                }
                _ => self.break_(
                    "never answer 4xx because of a fault of ours",
                    format!("{verdict} for {message:?}: {}", answer.log),
                ),
            },
            Outcome::Refused { verdict: expected, takes_secret } => {
                if verdict == *expected {
                    self.tally.refused += 1;
                } else if *takes_secret && verdict.contains("secret_") {
                    self.tally.not_told += 1;
                } else {
                    self.break_(
                        "refuse every request that JW did not sign",
                        format!("{verdict} for {expected}: {}", answer.log),
                    );
                }
            }
        }
    }

    /// Checks that every event with a 2xx is in the queue.
    fn receipt(&mut self, message: &Message, answer: &Answer) {
        let id = answer.body["message_id"].as_str().unwrap_or_default();
        let queued = self.run.queued.iter().find(|queued| queued.id == id).cloned();
        let queued = queued.map(|queued| untraced(&queued));
        let event_id = message.attribute("event_id");
        if queued.as_ref() != Some(&message.clone().with_id(id))
            || event_id != Some(answer.event_id())
        {
            self.break_(
                "queue every event that gets a 2xx, as it was signed",
                format!("{message:?} was accepted as {} and queued as {queued:?}", answer.body),
            );
        }
    }

    /// Checks that the queue contains nothing unverified.
    fn queue<'c>(&mut self, cases: impl Iterator<Item = &'c Case>) {
        let mut verified = HashMap::new();
        for case in cases {
            if let Outcome::Queued(message) = &case.outcome {
                verified.insert(message.attribute("event_id"), message);
            }
        }
        for sent in &self.run.sends {
            let message = verified.get(&sent.attribute("event_id"));
            let expected = message.map(|message| (*message).clone().with_id(&sent.id));
            if expected != Some(untraced(sent)) {
                self.break_(
                    "queue only what JW signed, as it was signed",
                    format!("{sent:?} was queued, not {expected:?}"),
                );
            }
        }
    }

    /// Checks that the held queue gets only tokens that need the secret, and that each of JW's
    /// events in the held queue is forwarded.
    fn held<'c>(&mut self, cases: impl Iterator<Item = (&'c Case, &'c Answer)>) {
        let arrived: HashSet<_> =
            self.run.queued.iter().map(|message| message.attribute("event_id")).collect();
        let held: HashSet<_> = self.run.held.iter().map(String::as_str).collect();
        let stay: HashSet<_> = self.run.stay.iter().map(String::as_str).collect();
        let mut may_be_held = HashSet::new();
        for (case, answer) in cases {
            match &case.outcome {
                Outcome::Queued(message) => {
                    let token = case.delivery.bearer();
                    may_be_held.insert(token);
                    let is_held = held.contains(token);
                    if answer.log["outcome"] == "held" && !is_held {
                        self.break_(
                            "hold every event that is logged as held",
                            answer.log.to_string(),
                        );
                    }
                    let has_arrived = arrived.contains(&message.attribute("event_id"));
                    if is_held && (stay.contains(token) || !has_arrived) {
                        self.break_(
                            "forward each held event after the outage",
                            format!("{message:?} is held"),
                        );
                    }
                }
                Outcome::Refused { verdict, takes_secret: true }
                    if !OF_A_BODY.contains(verdict) =>
                {
                    may_be_held.insert(case.delivery.bearer());
                }
                Outcome::Refused { .. } => {
                    if answer.log["outcome"] == "held" || answer.is_lost() {
                        self.break_(
                            "hold no request whose body differs from its token",
                            answer.log.to_string(),
                        );
                    }
                }
            }
        }
        for odd in &self.run.left.odd {
            self.break_("log the result of each held event", odd.clone());
        }
        for token in &held {
            let is_forged = self.schedule.is_forged(token);
            if stay.contains(token) != is_forged && !self.schedule.is_jws(token) {
                self.break_(
                    "keep held events that no known key signed, and drop those that can never be valid",
                    (*token).to_owned(),
                );
            }
        }
        for token in held {
            if !may_be_held.contains(token) {
                self.break_("hold only requests that need the secret", token.to_owned());
            }
        }
    }

    /// Checks that every verified event without a 2xx is in the log exactly once, and complete.
    fn log(&mut self) {
        let mut records = HashMap::<Value, isize>::new();
        for record in &self.undelivered {
            *records.entry(record.clone()).or_default() -= 1;
        }
        for logged in &self.run.undelivered {
            *records.entry(logged.clone()).or_default() += 1;
        }
        for (record, too_many) in records {
            if too_many != 0 {
                self.break_(
                    "log every verified event without a 2xx once",
                    format!("the log has this record {too_many:+} times too often: {record}"),
                );
            }
        }
    }
}

/// The message without its trace. Each invocation has its own trace, which other tests check.
fn untraced(message: &Message) -> Message {
    Message { trace_header: None, ..message.clone() }
}

/// The undelivered record that the function must write for this message.
fn record(message: &Message, answer: &Answer) -> Value {
    let mut record = json!({
        "request_id": answer.log["request_id"],
        "queue_url": message.queue_url,
        "request_id": answer.log["request_id"],
        "event_id": message.attribute("event_id"),
        "body": message.body,
        "attributes": message.attributes,
        "group_id": message.group,
    });
    if let Some(deduplication) = &message.deduplication {
        record["deduplication_id"] = json!(deduplication);
    }
    record
}
