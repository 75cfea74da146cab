//! Everything that happens in a run, generated from one seed. Each part can be removed on its own,
//! so that a failing schedule can be shortened.

use crate::clock::{ClockStep, Ms};
use crate::event::{Kind, Request, Webhook};
use crate::faults::{Fault, Reply, Service};
use crate::random::Random;

const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;
const HOUR: Ms = 60 * MINUTE;

#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    pub setting: Setting,
    pub functions: Vec<FunctionSetting>,
    /// Ordered by time.
    pub steps: Vec<Step>,
    /// If two faults apply to a call, the first one in this list counts.
    pub faults: Vec<Fault>,
    pub webhooks: Vec<Life>,
}

#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub fifo: bool,
    pub ring: bool,
    pub holding: bool,
    pub ttl: Ms,
    pub max_stale: Ms,
    /// The lifetime of credentials.
    pub credentials: Ms,
}

#[derive(Clone, Copy, Debug)]
pub struct FunctionSetting {
    pub concurrency: usize,
    pub clock: ClockStep,
}

/// The time in which a webhook's key is in the secret.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub stored: Ms,
    pub removed: Ms,
}

#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub at: Ms,
    pub function: usize,
    pub gap: Gap,
    /// Whether this step is a cold start, on a new instance.
    pub cold: bool,
    pub what: What,
    /// Lambda's timeout.
    pub within: Ms,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// The function starts and is not invoked.
    Start,
    Request(Request),
    /// The held queue delivers its messages.
    Batch,
}

/// The state of a function's process between its last answer and this step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gap {
    Awake,
    Frozen {
        /// Whether the monotonic clock continued during the freeze. The wall clock always
        /// continues.
        monotonic: bool,
        /// Whether the invocation runs before the tasks that the freeze interrupted.
        invocation_first: bool,
        sockets: Sockets,
    },
}

/// The state of the connections after a freeze.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sockets {
    Live,
    Reset,
    Mute,
}

impl Schedule {
    pub fn generate(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let ring = random.one_in(2);
        let setting = Setting {
            fifo: random.one_in(2),
            ring,
            holding: !random.one_in(6),
            ttl: *random.pick(&[1, 5, 60, 300, 300]) * SECOND,
            max_stale: *random.pick(&[2, 60, 3_600, 86_400, 86_400]) * SECOND,
            credentials: *random.pick(&[15 * MINUTE, 6 * HOUR, 6 * HOUR]),
        };
        let mut functions = Vec::new();
        let mut stands_still = Vec::new();
        for _ in 0..*random.pick(&[1, 1, 2, 3]) {
            let concurrency = *random.pick(&[1, 1, 1, 2, 8]);
            stands_still.push(random.one_in(2));
            let clock = ClockStep::default();
            functions.push(FunctionSetting { concurrency, clock });
        }
        let mut steps = steps(&functions, &stands_still, random);
        let end = steps.last().map_or(0, |step| step.at);
        for (function, stands_still) in functions.iter_mut().zip(stands_still) {
            // If both clocks may be wrong, the function cannot know how long the process was
            // frozen.
            if !stands_still && random.one_in(4) {
                let by = -(random.below(240_000) as i64);
                function.clock = ClockStep { at: random.below(end as usize + 1) as Ms, by };
            }
        }
        let webhooks = lives(ring, &steps, random);
        for step in &mut steps {
            sign(step, &webhooks, random);
        }
        let faults = faults(end, &steps, setting, random);
        let last = steps.last().map_or(0, |step| step.at);
        let over = faults.iter().map(|fault| fault.to).fold(last, Ms::max) + 20 * SECOND;
        let number = steps.len();
        for (function, _) in functions.iter().enumerate() {
            let step = request(over + function as Ms, function, Kind::Good, number + function);
            let mut step = Step { within: 30 * SECOND, gap: frozen(), ..step };
            sign(&mut step, &webhooks, random);
            steps.push(step);
        }
        Self { seed, setting, functions, steps, faults, webhooks }
    }

    pub fn requests(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.what, What::Request(_))).count()
    }

    /// The webhooks whose keys are in the secret at this time.
    pub fn keys(&self, at: Ms) -> Vec<Webhook> {
        let lives = self.webhooks.iter().enumerate();
        lives
            .filter(|(_, life)| (life.stored..life.removed).contains(&at))
            .map(|(webhook, _)| Webhook(webhook))
            .collect()
    }

    pub fn life(&self, webhook: Webhook) -> Life {
        self.webhooks[webhook.0]
    }
}

fn frozen() -> Gap {
    Gap::Frozen { monotonic: true, invocation_first: false, sockets: Sockets::Live }
}

fn request(at: Ms, function: usize, kind: Kind, number: usize) -> Step {
    let request = Request { kind, webhook: Webhook(0), number };
    let what = What::Request(request);
    Step { at, function, gap: Gap::Awake, cold: false, what, within: 10 * SECOND }
}

/// Bursts of requests, each with its own rate.
fn steps(functions: &[FunctionSetting], stands_still: &[bool], random: &mut Random) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut at = 0;
    for _ in 0..1 + random.below(6) {
        let pace = *random.pick(&[10, 50, 200, 200, 1_000, 1_000, 5_000, 60_000, 600_000]);
        let is_flood = random.one_in(4);
        let awake = random.one_in(3);
        for _ in 0..5 + random.below(40) {
            at += if random.one_in(4) { 0 } else { random.below(2 * pace) as Ms };
            let function = random.below(functions.len());
            let number = steps.len();
            let kind = kind(is_flood, random);
            let mut step = request(at, function, kind, number);
            step.within = *random.pick(&[3_000, 5_000, 15_000, 30_000]);
            step.cold = random.one_in(60);
            if random.one_in(20) {
                step.what = What::Batch;
                step.within = 20_000;
            } else if random.one_in(100) {
                step.what = What::Start;
                step.cold = true;
            } else if random.one_in(20) {
                // JW sometimes sends an event twice
                step.what = steps.last().map_or(step.what, |last| last.what);
            }
            let sockets = match random.below(6) {
                0 => Sockets::Reset,
                1 => Sockets::Mute,
                _ => Sockets::Live,
            };
            let monotonic = !stands_still[function] || random.one_in(2);
            let invocation_first = random.one_in(2);
            if functions[function].concurrency == 1 && !(awake && random.one_in(2)) {
                step.gap = Gap::Frozen { monotonic, invocation_first, sockets };
            }
            steps.push(step);
        }
        if random.one_in(3) {
            at += random.below(2 * HOUR as usize) as Ms;
        }
    }
    steps
}

fn kind(is_flood: bool, random: &mut Random) -> Kind {
    const OTHERS: [Kind; 8] = [
        Kind::ForgedKey,
        Kind::UnknownWebhook,
        Kind::ForgedPayload,
        Kind::Expired,
        Kind::OtherBody,
        Kind::NoAuthorization,
        Kind::WrongMethod,
        Kind::NoneAlgorithm,
    ];
    match random.below(8) {
        0..4 if is_flood => *random.pick(&OTHERS[..3]),
        0 => *random.pick(&OTHERS),
        _ => Kind::Good,
    }
}

/// The first webhook and the webhooks that rotations create. Each rotation is close to the time of
/// a step.
fn lives(ring: bool, steps: &[Step], random: &mut Random) -> Vec<Life> {
    let mut lives = vec![Life { stored: 0, removed: Ms::MAX }];
    let mut earliest = 0;
    for _ in 0..*random.pick(&[0, 1, 1, 2]) {
        let near = random.pick(steps).at.max(earliest);
        let stored = near + random.below(1_500) as Ms;
        let last = lives.last_mut().expect("the first");
        if !ring {
            last.removed = stored;
        } else if random.one_in(2) {
            last.removed = stored + random.below(20 * MINUTE as usize) as Ms;
        }
        earliest = stored + 1;
        lives.push(Life { stored, removed: Ms::MAX });
    }
    lives
}

/// Chooses the webhook that sends a request. Usually its key is stored: the newest key or any
/// other. Rarely its key is not stored.
fn sign(step: &mut Step, lives: &[Life], random: &mut Random) {
    let What::Request(request) = &mut step.what else { return };
    let stored = |(_, life): &(usize, &Life)| (life.stored..life.removed).contains(&step.at);
    let now: Vec<_> = lives.iter().enumerate().filter(stored).map(|(webhook, _)| webhook).collect();
    request.webhook = Webhook(match random.below(40) {
        0 => random.below(lives.len()),
        1..20 => *now.last().expect("there is always one"),
        _ => *random.pick(&now),
    });
}

/// Outages of all lengths, many of them close to the time when the secret is fetched again.
fn faults(end: Ms, steps: &[Step], setting: Setting, random: &mut Random) -> Vec<Fault> {
    let mut faults = Vec::new();
    for _ in 0..1 + random.below(10) {
        let service = *random.pick(&[
            Service::SecretsManager,
            Service::SecretsManager,
            Service::SecretsManager,
            Service::Sqs,
            Service::Sqs,
            Service::HeldQueue,
            Service::Credentials,
        ]);
        let near = random.pick(steps).at;
        let from = if random.one_in(3) { near + setting.ttl } else { near };
        let length = match random.below(6) {
            0 => random.below(500),
            1 | 2 => random.below(10_000),
            3 | 4 => random.below(120_000),
            _ => random.below(end as usize + 1),
        };
        let reply = Reply::of(service, random);
        let one_in = *random.pick(&[1, 1, 2, 4]);
        faults.push(Fault { service, from, to: from + 1 + length as Ms, reply, one_in });
    }
    faults
}
