//! Counts the states that the schedules reached, so that untested states are visible.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use crate::event::Kind::Good;
use crate::faults::{Kind, Service};
use crate::judge::view::{Cache, View};
use crate::judge::{Answered, answered};
use crate::world::{Call, World};

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Accepted,
    Undelivered,
    Held,
    Lost,
    Failed,
    Refused,
}

const FATES: [Fate; 6] =
    [Fate::Accepted, Fate::Undelivered, Fate::Held, Fate::Lost, Fate::Failed, Fate::Refused];

#[derive(Default)]
pub struct Coverage {
    pub schedules: usize,
    pub events: usize,
    /// Counts of held events: forwarded, still held, and dropped.
    pub forwarded: usize,
    pub kept: usize,
    pub dropped: usize,
    /// Counts by cache state, Secrets Manager's behaviour, and result of the request.
    secret: BTreeMap<(Cache, Kind, Fate), usize>,
    /// Counts by SQS's behaviour and result of the request.
    queue: BTreeMap<(Kind, Fate), usize>,
}

impl Fate {
    fn of(answered: &Answered<'_>) -> Self {
        match (answered.line.outcome.as_str(), answered.line.lost) {
            ("accepted", _) => Fate::Accepted,
            ("refused", _) => Fate::Refused,
            ("held", _) => Fate::Held,
            (_, Some(_)) => Fate::Lost,
            _ if answered.line.reason.starts_with("queue_") => Fate::Undelivered,
            _ => Fate::Failed,
        }
    }
}

impl Coverage {
    pub fn of(world: &World) -> Self {
        let answered = answered(world);
        let views = View::of_all(world, &answered);
        let mut coverage = Self { schedules: 1, events: answered.len(), ..Self::default() };
        for request in &answered {
            let (answer, fate) = (request.answer, Fate::of(request));
            let Some(view) = views.get(&answer.instance) else { continue };
            if request.request.kind.takes_secret() {
                let met = view.outage(answer.began, answer.ended);
                let state = (view.cache(answer.began), met, fate);
                *coverage.secret.entry(state).or_default() += 1;
            }
            let sends = view.others.iter().filter(|call: &&&Call| {
                call.event == Some(request.request.number)
                    && call.service == Service::Sqs
                    && (answer.began..=answer.ended).contains(&call.began)
            });
            if let Some(met) = sends.map(|call| call.met).max() {
                *coverage.queue.entry((met, fate)).or_default() += 1;
            }
        }
        for held in &world.held {
            let is_good = world.request_of(&held.token).is_some_and(|it| it.kind == Good);
            match held.left {
                None => coverage.kept += 1,
                Some(_) if is_good => coverage.forwarded += 1,
                Some(_) => coverage.dropped += 1,
            }
        }
        coverage
    }

    /// The possible states that no schedule reached.
    pub fn holes(&self) -> Vec<String> {
        const CACHES: [Cache; 5] =
            [Cache::Fresh, Cache::Expired, Cache::Unreachable, Cache::Denied, Cache::Empty];
        const PASSING: [Kind; 6] = [
            Kind::Connection,
            Kind::Hang,
            Kind::Slow,
            Kind::Status5xx,
            Kind::Throttled,
            Kind::NotAws,
        ];
        const DENIALS: [Kind; 4] = [Kind::Denied, Kind::NotFound, Kind::Kms, Kind::Invalid];
        let mut states = Vec::new();
        for cache in CACHES {
            for kind in PASSING.into_iter().chain(DENIALS) {
                states.push((cache, kind, Fate::Held));
                // A usable cached secret hides an outage. Within its TTL, a cached secret also
                // hides a denial.
                if cache != Cache::Empty && (PASSING.contains(&kind) || cache == Cache::Denied) {
                    states.push((cache, kind, Fate::Accepted));
                }
                if cache == Cache::Empty {
                    states.push((cache, kind, Fate::Lost));
                }
            }
        }
        let missing = states.into_iter().filter(|state| !self.secret.contains_key(state));
        let mut holes: Vec<_> = missing.map(|state| format!("{state:?}")).collect();
        for kind in PASSING.into_iter().chain(DENIALS).chain([Kind::Lie, Kind::Taken]) {
            let is_passing = PASSING.contains(&kind) || matches!(kind, Kind::Lie | Kind::Taken);
            for fate in [Fate::Accepted, Fate::Undelivered] {
                let is_possible = kind != Kind::Invalid && (is_passing || fate != Fate::Accepted);
                if is_possible && !self.queue.contains_key(&(kind, fate)) {
                    holes.push(format!("SQS, {kind:?}, {fate:?}"));
                }
            }
        }
        holes
    }

    fn count(&self, fate: Fate) -> usize {
        let counts = self.secret.iter().filter(|((_, _, it), _)| *it == fate);
        counts.map(|(_, count)| count).sum()
    }
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.forwarded += other.forwarded;
        self.kept += other.kept;
        self.dropped += other.dropped;
        for (state, count) in other.secret {
            *self.secret.entry(state).or_default() += count;
        }
        for (state, count) in other.queue {
            *self.queue.entry(state).or_default() += count;
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = |f: &mut fmt::Formatter<'_>, what: &str| {
            write!(f, "{what:<28}")?;
            FATES
                .iter()
                .try_for_each(|it| write!(f, "{:>12}", format!("{it:?}").to_lowercase()))?;
            writeln!(f)
        };
        let row = |f: &mut fmt::Formatter<'_>, name: String, count: &dyn Fn(Fate) -> usize| {
            write!(f, "{name:<28}")?;
            FATES.iter().try_for_each(|it| match count(*it) {
                0 => write!(f, "{:>12}", "-"),
                count => write!(f, "{count:>12}"),
            })?;
            writeln!(f)
        };
        head(f, "cache, Secrets Manager")?;
        let mut rows: Vec<_> = self.secret.keys().map(|(cache, kind, _)| (*cache, *kind)).collect();
        rows.dedup();
        for (cache, kind) in rows {
            let count = |fate| self.secret.get(&(cache, kind, fate)).copied().unwrap_or(0);
            row(f, format!("{cache}, {}", format!("{kind:?}").to_lowercase()), &count)?;
        }
        head(f, "SQS")?;
        let mut rows: Vec<_> = self.queue.keys().map(|(kind, _)| *kind).collect();
        rows.dedup();
        for kind in rows {
            let count = |fate| self.queue.get(&(kind, fate)).copied().unwrap_or(0);
            row(f, format!("{kind:?}").to_lowercase(), &count)?;
        }
        write!(
            f,
            "{} schedules, {} events: {} accepted, {} undelivered, {} held ({} forwarded, {} forged kept, {} dropped), \
             {} lost, {} refused",
            self.schedules,
            self.events,
            self.count(Fate::Accepted),
            self.count(Fate::Undelivered),
            self.count(Fate::Held),
            self.forwarded,
            self.kept,
            self.dropped,
            self.count(Fate::Lost),
            self.count(Fate::Refused),
        )
    }
}
