//! The maximum age of a secret that the function uses, and how long a request waits for a new
//! secret.

use std::collections::BTreeMap;

use super::view::{Cache, FETCH, View};
use super::{Answered, Judge};
use crate::clock::Ms;
use crate::faults::Service;
use crate::world::{Call, Outcome};

/// During an outage, one request in this interval waits for Secrets Manager.
const PROBE_INTERVAL: Ms = 10_000;

/// The longest time that a request waits for Secrets Manager while the function has a cached
/// secret.
const LONGEST_WITH_CACHE: Ms = 1_000;

impl Judge<'_> {
    /// Checks that the secret that verified an accepted event was still usable.
    pub(super) fn secret(&mut self, answered: &Answered<'_>) {
        let (answer, setting) = (answered.answer, self.world.schedule.setting);
        if !answered.is_accepted() {
            return;
        }
        let view = &self.views[&answer.instance];
        let Some((secret, _)) = view.secret(answer.ended) else {
            self.breaks("accept nothing without a secret", answer.request_id.clone());
            return;
        };
        let age = answer.began.saturating_sub(secret.began);
        let how = format!("{} used a secret of {age} ms", answer.request_id);
        if age > setting.max_stale.max(setting.ttl) + 1 {
            self.breaks("use no secret older than SECRET_MAX_STALE_SECONDS", how);
        } else if age > setting.ttl && revoked(view, secret, answer.began) {
            self.breaks("use no secret past its TTL after Secrets Manager denied a fetch", how);
        } else if age > setting.ttl && !fetched_since(view, secret, answer.began, answer.ended) {
            self.breaks("fetch the secret again at its TTL", how);
        }
    }

    /// Checks that during an outage only one request in ten seconds waits.
    pub(super) fn waits(&mut self, answered: &[Answered<'_>]) {
        let mut last: BTreeMap<usize, (Ms, Ms)> = BTreeMap::new();
        let mut in_order: Vec<&Answered<'_>> = answered.iter().collect();
        in_order.sort_by_key(|answered| answered.answer.began);
        for answered in in_order {
            let answer = answered.answer;
            let view = &self.views[&answer.instance];
            let Some(sent) = sent(view, answered) else { continue };
            let waited = sent - answer.began;
            self.time_for_secret(answered, waited);
            let view = &self.views[&answer.instance];
            if waited == 0 || !answered.is_accepted() || !knows_outage(view, answered) {
                continue;
            }
            let (_, keys) = view.secret(answer.began).expect("cached");
            if !keys.contains(&answered.request.webhook) {
                continue;
            }
            let since = view.secret(answer.began).and_then(|(secret, _)| secret.ended);
            let before = last.insert(answer.instance, (answer.began, since.unwrap_or(0)));
            let too_soon = before.is_some_and(|(began, secret)| {
                Some(secret) == since && answer.began - began < PROBE_INTERVAL - 2
            });
            if waited > LONGEST_WITH_CACHE + 2 || too_soon {
                self.breaks(
                    "let only one request in 10 s wait during an outage, for at most 1 s",
                    format!("{} waited {waited} ms after {before:?}", answer.request_id),
                );
            }
        }
    }
}

/// The time of the event's first call to a queue.
fn sent(view: &View<'_>, answered: &Answered<'_>) -> Option<Ms> {
    let answer = answered.answer;
    let of_event = |call: &&&Call| {
        call.service != Service::Credentials
            && call.event == Some(answered.request.number)
            && (answer.began..=answer.ended).contains(&call.began)
    };
    view.others.iter().find(of_event).map(|call| call.began)
}

/// Whether the instance knew of an outage when the request arrived, and had a usable secret.
fn knows_outage(view: &View<'_>, answered: &Answered<'_>) -> bool {
    let began = answered.answer.began;
    if view.cache(began) != Cache::Unreachable {
        return false;
    }
    // The instance may not know the result of an abandoned attempt or of a frozen fetch. If an
    // older fetch continues after a newer fetch has returned the secret, the result of the older
    // fetch does not count.
    let secret_began = view.secret(began).map_or(0, |(secret, _)| secret.began);
    let is_known = |call: &Call| {
        call.result == Outcome::Unreachable
            && view.began(call) >= secret_began
            && call
                .ended
                .is_some_and(|ended| !view.frozen_between(ended.saturating_sub(FETCH), ended))
    };
    let lacks_credentials = view.others.iter().any(|call| {
        call.service == Service::Credentials
            && call.result != Outcome::Taken
            && call.ended.is_none_or(|ended| ended + FETCH >= began)
            || call.service == Service::Credentials
                && call.ended.is_some_and(|ended| ended >= began)
    });
    view.failure(began).is_some_and(is_known) && !lacks_credentials
}

/// Whether Secrets Manager denied a fetch after this secret was fetched, and the instance knew of
/// the denial before `at`.
fn revoked(view: &View<'_>, secret: &Call, at: Ms) -> bool {
    view.fetches.iter().any(|call| {
        let Some(ended) = call.ended_by(at.saturating_sub(1)) else { return false };
        matches!(call.result, Outcome::Denied | Outcome::Invalid)
            && call.began > secret.ended.unwrap_or(Ms::MAX)
            && !view.frozen_between(ended.saturating_sub(FETCH), ended)
    })
}

/// Whether the instance tried to fetch the secret again, or knew from a recent failure that a fetch
/// was impossible.
fn fetched_since(view: &View<'_>, secret: &Call, began: Ms, ended: Ms) -> bool {
    let lately = |call: &Call| call.ended.is_none_or(|ended| ended + PROBE_INTERVAL >= began);
    view.fetches.iter().any(|call| {
        // a request may have waited for this fetch for one second and got no result
        let is_slow = call.ended.is_none_or(|ended| ended >= call.began + LONGEST_WITH_CACHE);
        let fails = is_slow || !call.is_secret();
        call.began <= ended && (call.began > secret.began || fails && lately(call))
    }) || view.others.iter().any(|call| {
        call.service == Service::Credentials && call.result != Outcome::Taken && lately(call)
    })
}
