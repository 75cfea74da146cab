//! What one instance of the function can know: its calls to Secrets Manager and their results.

use std::collections::BTreeMap;
use std::fmt;

use super::Answered;
use crate::clock::Ms;
use crate::event::Webhook;
use crate::faults::{Kind, Service};
use crate::world::{Call, Outcome, World};

/// The pauses that the contract requires after rechecks that returned the same value.
pub const PAUSES: [Ms; 7] = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/// After this long without a bad request, the pauses start again from the shortest.
const FORGET_AFTER: Ms = 300_000;

/// The longest pause between two attempts of a fetch.
const LONGEST_BACKOFF: Ms = 2_100;

/// A fetch ends within this time unless the process is frozen.
pub const FETCH: Ms = 6_000;

pub struct View<'w> {
    world: &'w World,
    /// Calls to Secrets Manager, ordered by the time they began.
    pub fetches: Vec<&'w Call>,
    /// Calls to SQS, and waits for credentials.
    pub others: Vec<&'w Call>,
    /// The times (begin, end) of requests that may have failed to verify.
    pub bad: Vec<(Ms, Ms)>,
    pub thaws: Vec<Ms>,
}

/// The states of the cache. The documentation of the module `secrets` has a table of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cache {
    Fresh,
    Expired,
    Unreachable,
    Denied,
    Empty,
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

impl<'w> View<'w> {
    pub fn of_all(world: &'w World, answered: &[Answered<'_>]) -> BTreeMap<usize, View<'w>> {
        let mut views: BTreeMap<usize, View<'w>> = BTreeMap::new();
        let new = || View {
            world,
            fetches: Vec::new(),
            others: Vec::new(),
            bad: Vec::new(),
            thaws: Vec::new(),
        };
        for call in &world.calls {
            let view = views.entry(call.instance).or_insert_with(new);
            match call.service {
                Service::SecretsManager => view.fetches.push(call),
                _ => view.others.push(call),
            }
        }
        for thaw in &world.thaws {
            views.entry(thaw.instance).or_insert_with(new).thaws.push(thaw.at);
        }
        for Answered { request, answer, .. } in answered {
            let view = views.entry(answer.instance).or_insert_with(new);
            let knows = view.secret(answer.began).is_some_and(|(_, keys)| {
                !request.kind.is_forged() && keys.contains(&request.webhook)
            });
            if request.kind.takes_secret() && !knows {
                view.bad.push((answer.began, answer.ended));
            }
        }
        for batch in &world.batches {
            views.entry(batch.instance).or_insert_with(new).bad.push((batch.began, batch.ended));
        }
        for view in views.values_mut() {
            view.bad.sort_unstable();
        }
        views
    }

    /// The newest secret that the instance had at this time.
    pub fn secret(&self, by: Ms) -> Option<(&'w Call, &'w [Webhook])> {
        self.fetches.iter().rev().find_map(|call| match &call.result {
            Outcome::Secret(keys) if call.ended_by(by).is_some() => Some((*call, keys.as_slice())),
            _ => None,
        })
    }

    /// The newest secret that the instance certainly stored. An older fetch may make another
    /// attempt after a newer fetch has returned. The function drops the secret from the older
    /// fetch.
    fn certain_secret(&self, by: Ms) -> Option<&'w Call> {
        let returned = self.fetches.iter().rev().filter(|call| call.is_secret());
        returned.filter(|call| call.ended_by(by).is_some()).copied().find(|call| {
            !self.fetches.iter().any(|failed| {
                self.may_be_next_attempt(failed, call)
                    && self.fetches.iter().any(|between| {
                        between.is_secret()
                            && between.began >= failed.began
                            && between.began < call.began
                    })
            })
        })
    }

    /// Whether `call` may be the next attempt after the failed attempt `failed`.
    fn may_be_next_attempt(&self, failed: &Call, call: &Call) -> bool {
        let Some(ended) = failed.ended_by(call.began) else { return false };
        !failed.is_secret()
            && (call.began - ended <= LONGEST_BACKOFF || self.frozen_between(ended, call.began))
    }

    /// The last failed call that ended after the newest secret was fetched and before this time.
    pub fn failure(&self, by: Ms) -> Option<&'w Call> {
        self.failure_since(self.secret(by).map(|(secret, _)| secret), by)
    }

    /// The last failed call that ended after the newest certainly stored secret was fetched and
    /// before this time.
    pub fn possible_failure(&self, by: Ms) -> Option<&'w Call> {
        self.failure_since(self.certain_secret(by), by)
    }

    fn failure_since(&self, secret: Option<&Call>, by: Ms) -> Option<&'w Call> {
        let since = secret.and_then(|secret| secret.ended).unwrap_or(0);
        let failed = |call: &&&Call| {
            !call.is_secret() && call.ended_by(by).is_some_and(|ended| ended >= since)
        };
        self.fetches.iter().filter(failed).max_by_key(|call| call.ended).copied()
    }

    pub fn cache(&self, at: Ms) -> Cache {
        let setting = self.world.schedule.setting;
        let failure = self.failure(at).map(|call| &call.result);
        let Some((secret, _)) = self.secret(at) else { return Cache::Empty };
        let age = at - secret.began;
        let revoked = self.fetches.iter().any(|call| {
            matches!(call.result, Outcome::Denied | Outcome::Invalid)
                && call.ended_by(at).is_some_and(|ended| Some(ended) >= secret.ended)
        });
        match failure {
            _ if revoked && age >= setting.ttl => Cache::Empty,
            Some(Outcome::Denied | Outcome::Invalid) => Cache::Denied,
            _ if age >= setting.ttl && age > setting.max_stale => Cache::Empty,
            Some(_) => Cache::Unreachable,
            None if age < setting.ttl => Cache::Fresh,
            None => Cache::Expired,
        }
    }

    /// The kind of outage that the calls to Secrets Manager had between these times. If there was
    /// no call, the kind that a call would have had.
    pub fn outage(&self, from: Ms, to: Ms) -> Kind {
        let overlaps = |call: &&&Call| call.began <= to && call.ended.is_none_or(|end| end >= from);
        let met = self.fetches.iter().filter(overlaps).map(|call| call.met).max();
        let faults = self.world.schedule.faults.iter();
        let active = faults.filter(|fault| {
            fault.service == Service::SecretsManager && (fault.from..fault.to).contains(&from)
        });
        met.unwrap_or_else(|| active.map(|fault| fault.kind()).next().unwrap_or(Kind::None))
    }

    /// Whether the process was frozen between these times.
    pub fn frozen_between(&self, from: Ms, to: Ms) -> bool {
        self.thaws.iter().any(|thaw| (from..=to).contains(thaw))
    }

    /// When the fetch began to which `call` belongs. `call` may be a later attempt of the fetch. An
    /// attempt without credentials makes no call.
    pub fn began(&self, call: &Call) -> Ms {
        let without_credentials =
            |call: &&&Call| call.service == Service::Credentials && call.result != Outcome::Taken;
        let others = self.others.iter().filter(without_credentials);
        let mut attempts: Vec<&Call> = self.fetches.iter().chain(others).copied().collect();
        attempts.sort_by_key(|attempt| attempt.began);
        let mut began = call.began;
        for earlier in attempts.into_iter().rev().filter(|earlier| earlier.began <= call.began) {
            let attempt = Call { began, ..call.clone() };
            if self.may_be_next_attempt(earlier, &attempt) {
                began = began.min(earlier.began);
            }
        }
        began
    }

    /// Whether a fetch may have been a recheck, because a bad request was under way when the fetch
    /// began.
    fn may_be_recheck(&self, fetch: &Call) -> bool {
        let since = self.began(fetch);
        self.bad.iter().any(|(began, ended)| *began <= fetch.began && *ended >= since)
    }

    /// Each fetch that returned a secret, with the longest pause that the contract allows after the
    /// fetch.
    pub fn longest_pauses(&self) -> Vec<(&'w Call, Ms)> {
        let mut pauses = Vec::new();
        let mut unchanged = 0;
        let mut last_recheck = 0;
        let mut keys: Option<&[Webhook]> = None;
        let mut in_order = self.fetches.clone();
        in_order.sort_by_key(|call| call.ended);
        for call in in_order {
            let Outcome::Secret(returned) = &call.result else { continue };
            if keys.is_some_and(|keys| keys != returned.as_slice()) {
                unchanged = 0;
            }
            if self.may_be_recheck(call) {
                // Several requests may arrive at the same time after a quiet period. Only the first
                // of them resets the count.
                if self.quiet_before(call.began) >= FORGET_AFTER
                    && self.bad_since(call.began).is_some_and(|since| last_recheck < since)
                {
                    unchanged = 0;
                }
                unchanged += 1;
                last_recheck = call.began;
                pauses.push((call, PAUSES[(unchanged - 1).min(PAUSES.len() - 1)]));
            }
            keys = Some(returned);
        }
        pauses
    }

    /// The time when the oldest bad request began, of those that are under way at this time.
    fn bad_since(&self, at: Ms) -> Option<Ms> {
        let under_way = self.bad.iter().filter(|(began, ended)| (*began..=*ended).contains(&at));
        under_way.map(|(began, _)| *began).min()
    }

    /// How long there was no bad request before the bad requests that are under way at this time.
    pub fn quiet_before(&self, at: Ms) -> Ms {
        let Some(began) = self.bad_since(at) else { return 0 };
        let last = self.bad.iter().map(|(_, ended)| *ended).filter(|ended| *ended < began).max();
        last.map_or(0, |last| began - last)
    }
}
