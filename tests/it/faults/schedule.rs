//! The plan of a run, generated from one seed: the requests, the results of the calls to AWS, and
//! the times when connections break, services go down and come back, and a webhook is rotated.

use super::case::{Case, NEW_WEBHOOK, Outcome, Setting, WEBHOOK};
use super::replies;
use crate::support::{OTHER_SECRET, Order, Random, Reply, SECRET};
use serde_json::{Value, json};

/// The number of events that one process gets is this number times its concurrency limit. It is
/// small because the test stores and searches all output of the process.
const EVENTS: usize = 30;

pub struct Schedule {
    pub seed: u64,
    pub setting: Setting,
    pub concurrency: u8,
    pub cases: Vec<Case>,
    /// The request that is sent after all faults are over.
    pub last: Case,
    pub queue: Vec<Reply>,
    pub secret: Vec<Reply>,
    /// Whether there is a held queue, and the results of calls to it.
    pub holding: bool,
    pub held: Vec<Reply>,
    /// The age (in seconds) at which the cached secret is fetched again, and its maximum age during
    /// an outage.
    pub ttl: u32,
    pub max_stale: u32,
    /// The incidents, in order. An incident happens when this many events are under way or
    /// answered.
    pub incidents: Vec<(usize, Incident)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Service {
    SecretsManager,
    Sqs,
}

#[derive(Clone, Debug)]
pub enum Incident {
    Break(Service, Order),
    Gone(Service),
    Back(Service),
    /// Every fetch of the secret gets this reply until the outage is over.
    Outage(Reply),
    Over,
    /// The new webhook's key is added to the ring: immediately, or when the next fetch has begun.
    Rotation {
        amid_fetch: bool,
    },
}

impl Schedule {
    pub fn generate(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let rotation = random.one_in(3);
        let setting = Setting {
            fifo: random.one_in(2),
            ring: rotation || random.one_in(2),
            rotation,
            at_once: rotation && random.one_in(2),
        };
        let concurrency = *random.pick(&[1, 2, 8, 8, 8]);
        let events = usize::from(concurrency) * EVENTS;
        let rotated_at = events / 4 + random.below(events / 4);
        let mut cases: Vec<Case> = Vec::new();
        for number in 0..events {
            let case = Case::generate(setting, number, number >= rotated_at, random);
            // JW sometimes sends an event twice
            let again = random.one_in(20).then(|| case.clone());
            cases.extend([Some(case), again].into_iter().flatten());
        }
        cases.truncate(events);
        let mut incidents = incidents(events, random);
        if rotation {
            let amid_fetch = random.one_in(2);
            incidents.push((rotated_at, Incident::Rotation { amid_fetch }));
        }
        let last = Case::plain(setting, events, random);
        let queue = replies::of_queue(random, events);
        let secret = replies::of_secret(random, 20, rotation);
        // Choices that were added later come last, so that an older seed still makes the same
        // choices before them.
        let holding = !random.one_in(6);
        let held = if random.one_in(3) { replies::of_held(random, events) } else { Vec::new() };
        let max_stale = *random.pick(&[1, 2, 86_400]);
        if random.one_in(3) {
            let began = random.below(events);
            incidents.push((began, Incident::Outage(replies::outage(random))));
            incidents.push((began + 1 + random.below(events / 3), Incident::Over));
        }
        // the function notices a rotation when the secret's TTL is over
        let ttl = if rotation || !random.one_in(4) { 1 } else { 300 };
        incidents.sort_by_key(|(events, _)| *events);
        Self {
            seed,
            setting,
            concurrency,
            cases,
            last,
            queue,
            secret,
            holding,
            held,
            ttl,
            max_stale,
            incidents,
        }
    }

    /// Whether this is the token of one of JW's events.
    pub fn is_jws(&self, token: &str) -> bool {
        self.of_token(token).any(|case| matches!(case.outcome, Outcome::Queued(_)))
    }

    /// Whether none of our keys signed this token.
    pub fn is_forged(&self, token: &str) -> bool {
        self.of_token(token).any(|case| case.outcome.is_forged()) && !self.is_jws(token)
    }

    fn of_token(&self, token: &str) -> impl Iterator<Item = &Case> {
        let cases =
            self.cases.iter().chain([&self.last]).filter(|case| case.outcome.takes_secret());
        cases.filter(move |case| case.delivery.bearer() == token)
    }

    /// Whether an event may be lost, because the held queue can fail while there is no secret.
    pub fn may_lose(&self) -> bool {
        let fails = |(_, incident): &(usize, Incident)| {
            matches!(incident, Incident::Break(Service::Sqs, _) | Incident::Gone(Service::Sqs))
        };
        !self.holding || !self.held.is_empty() || self.incidents.iter().any(fails)
    }

    /// The secret's value at the start, and after the rotation.
    pub fn secrets(&self) -> (String, String) {
        let both = json!({WEBHOOK: SECRET, NEW_WEBHOOK: OTHER_SECRET});
        let before = match self.setting {
            Setting { ring: false, .. } => Value::from(SECRET),
            Setting { rotation: true, .. } => json!({WEBHOOK: SECRET}),
            _ => both.clone(),
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (text(&before), text(&both))
    }
}

fn incidents(events: usize, random: &mut Random) -> Vec<(usize, Incident)> {
    let mut incidents = Vec::new();
    for service in [Service::SecretsManager, Service::Sqs] {
        for _ in 0..random.below(5) {
            let how =
                *random.pick(&[Order::Close, Order::Reset, Order::CloseAfterAnswer, Order::Mute]);
            incidents.push((random.below(events), Incident::Break(service, how)));
        }
        if random.one_in(4) {
            let gone = random.below(events);
            incidents.push((gone, Incident::Gone(service)));
            incidents.push((gone + 1 + random.below(16), Incident::Back(service)));
        }
    }
    incidents
}
