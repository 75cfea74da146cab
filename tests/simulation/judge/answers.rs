//! The answers that a request may get, and the time limit for them.

use super::view::{FETCH, View};
use super::{Answered, Judge};
use crate::clock::Ms;
use crate::event::Kind;
use crate::faults::Service;
use crate::world::{Call, Outcome};

/// The longest time that any request may take.
const LONGEST: Ms = 20_000;

/// The longest time that fetching a secret may take.
const LONGEST_FOR_SECRET: Ms = 5_000;

/// The shortest time that a recheck waits during an outage.
const SHORTEST_WAIT: Ms = 250;

/// In the second after a failed fetch, requests do not wait for the secret. A fetch ends at most
/// two seconds (the longest backoff) after its last attempt. The other 0.1 s is tolerance.
const AFTER_FAILURE: Ms = 3_100;

impl Judge<'_> {
    pub(super) fn answer(&mut self, answered: &Answered<'_>) {
        let Answered { request, answer, line, within } = *answered;
        let took = answer.ended - answer.began;
        if took > within.min(LONGEST) {
            self.breaks(
                "answer before the deadline and within 20 s",
                format!("{} took {took} ms of {within}", answer.request_id),
            );
        }
        if line.status != Some(answer.status) {
            self.breaks("log the status", format!("{line:?} for {}", answer.status));
        }
        let verdict = (answer.status, line.outcome.as_str(), line.reason.as_str());
        let refusal = request.kind.refusal(self.world.schedule.setting.ring);
        let is_refused = refusal
            .is_some_and(|(status, reason)| verdict == (i64::from(status), "refused", reason));
        match verdict {
            (200, "accepted", "none") if request.kind == Kind::Good => {}
            (503, "failed", "queue_unavailable" | "queue_refused")
                if request.kind == Kind::Good =>
            {
                self.excused(answered, &[Service::Sqs], "retry an event until its deadline");
            }
            (503, _, "secret_unavailable" | "secret_invalid") if request.kind.takes_secret() => {
                self.without_secret(answered);
            }
            (401, "refused", "webhook_unknown" | "signature_invalid")
                if request.kind.takes_secret() && !request.kind.is_forged() =>
            {
                self.refused_without_key(answered);
            }
            // the webhook's key decides which of the two reasons applies
            (401, "refused", "webhook_unknown" | "signature_invalid")
                if request.kind.is_forged() => {}
            _ if is_refused => {}
            _ => self.breaks(
                "give each request its expected answer",
                format!("{verdict:?} for {request:?} at {}: {}", answer.began, answer.request_id),
            ),
        }
    }

    fn calls(&self, answered: &Answered<'_>, services: &[Service]) -> Vec<&Call> {
        let answer = answered.answer;
        let view = &self.views[&answer.instance];
        let overlaps = |call: &&&Call| {
            services.contains(&call.service)
                && call.began <= answer.ended
                && call.ended.is_none_or(|ended| ended >= answer.began)
        };
        view.others.iter().filter(overlaps).copied().collect()
    }

    /// Reports the promise as broken if, during the request, all calls to these services and all
    /// fetches of credentials succeeded.
    fn excused(&mut self, answered: &Answered<'_>, services: &[Service], promise: &'static str) {
        let services: Vec<_> = services.iter().chain(&[Service::Credentials]).copied().collect();
        if self.calls(answered, &services).iter().all(|call| call.result == Outcome::Taken) {
            self.breaks(promise, format!("no call failed: {:?}", answered.line));
        }
    }

    /// Checks a 503 whose reason is that the function had no secret. No secret may have been
    /// available, and the token must be held or counted as lost.
    fn without_secret(&mut self, answered: &Answered<'_>) {
        let Answered { request, answer, line, .. } = *answered;
        let view = &self.views[&answer.instance];
        if !may_be_without_secret(view, answered) && !self.lacks_credentials(answered) {
            self.breaks(
                "hold no event that the secret verifies, and recheck a second after a failure",
                format!("{request:?} at {}: {line:?}", answer.began),
            );
        }
        match (line.outcome.as_str(), line.lost) {
            ("failed", None) if request.kind == Kind::OtherBody => {}
            _ if request.kind == Kind::OtherBody => {
                self.breaks(
                    "hold no request whose body differs from its token",
                    format!("{line:?}"),
                );
            }
            ("held", None) => {}
            ("failed", Some(1)) if !self.world.schedule.setting.holding => {}
            ("failed", Some(1)) => {
                let promise = "lose no event while the held queue works";
                self.excused(answered, &[Service::HeldQueue], promise);
            }
            _ => self.breaks(
                "hold or count as lost every event that no secret can verify",
                format!("{line:?}"),
            ),
        }
    }

    fn lacks_credentials(&self, answered: &Answered<'_>) -> bool {
        let since = answered.answer.began.saturating_sub(AFTER_FAILURE);
        let view = &self.views[&answered.answer.instance];
        view.others.iter().any(|call| {
            call.service == Service::Credentials
                && call.result != Outcome::Taken
                && call.began <= answered.answer.ended
                && call.ended.is_none_or(|ended| ended >= since)
        })
    }

    /// Checks a 401 to a request that may be JW's. The 401 is allowed only in the pause after a
    /// recheck that returned a secret without the request's key.
    fn refused_without_key(&mut self, answered: &Answered<'_>) {
        let Answered { request, answer, .. } = *answered;
        if !answered.has_key(self.world) {
            return;
        }
        let view = &self.views[&answer.instance];
        let pauses = view.longest_pauses();
        let excuses = |(fetch, pause): &(&Call, Ms)| match (&fetch.result, fetch.ended) {
            (Outcome::Secret(keys), Some(ended)) => {
                !keys.contains(&request.webhook)
                    && ended <= answer.ended
                    && answer.ended < ended + pause + 2
            }
            _ => false,
        };
        if !pauses.iter().any(excuses) {
            self.breaks(
                "refuse no event whose key is in the secret, except in a pause between rechecks",
                format!("{request:?} at {}: {:?}", answer.began, answered.line),
            );
        }
    }

    pub(super) fn time_for_secret(&mut self, answered: &Answered<'_>, waited: Ms) {
        if waited > LONGEST_FOR_SECRET && !self.lacks_credentials(answered) {
            self.breaks(
                "get a secret within 5 s",
                format!("{} waited {waited} ms", answered.answer.request_id),
            );
        }
    }
}

/// Whether the secret was unavailable, or the last fetch failed so recently that no request starts
/// a fetch.
fn may_be_without_secret(view: &View<'_>, answered: &Answered<'_>) -> bool {
    let answer = answered.answer;
    // if the process was frozen in the last second of a fetch or just before the request, the fetch
    // ends after the thaw
    let thawed = view.frozen_between(answer.began.saturating_sub(1_000), answer.ended);
    let since = answer.began.saturating_sub(AFTER_FAILURE + if thawed { FETCH } else { 0 });
    let fails = |call: &&Call| {
        let is_late = call.ended.is_none_or(|ended| {
            ended > answer.ended || ended >= answer.began.max(call.began + SHORTEST_WAIT)
        });
        call.began <= answer.ended
            && (is_late || !call.is_secret() && call.ended.is_some_and(|ended| ended >= since))
    };
    if view.fetches.iter().any(fails) {
        return true;
    }
    // After a failed fetch, the pause between rechecks continues, and the cached secret may be
    // outdated.
    let in_pause = |(fetch, pause): &(&Call, Ms)| {
        fetch.ended.is_some_and(|ended| ended <= answer.ended && answer.ended < ended + pause + 2)
    };
    let failed = |by| view.possible_failure(by).is_some();
    (failed(answer.ended) || failed(answer.began.saturating_sub(1)))
        && view.longest_pauses().iter().any(in_pause)
}
