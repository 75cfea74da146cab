//! How often the function calls Secrets Manager.

use super::Judge;
use super::view::{PAUSES, View};
use crate::clock::Ms;
use crate::world::{Call, Outcome};

/// Five minutes without a bad request reset the pauses. The function may notice a request up to six
/// seconds after its arrival, so this limit is 294 s.
const MAY_BE_FORGOTTEN: Ms = 294_000;

/// During an outage, a recheck may start a fetch each second, and a fetch makes about eight
/// attempts. So up to 480 calls in a minute are normal.
const MOST_CALLS_IN_A_MINUTE: usize = 520;

impl Judge<'_> {
    pub(super) fn rechecks(&mut self) {
        let ttl = self.world.schedule.setting.ttl;
        let mut broken = Vec::new();
        for view in self.views.values() {
            broken.extend(too_soon(view, ttl).map(|how| ("pause after each recheck", how)));
            broken.extend(too_many(view).map(|how| ("make few calls to Secrets Manager", how)));
        }
        for (promise, how) in broken {
            self.breaks(promise, how);
        }
    }
}

/// Finds a recheck that began too early: the shortest pause after the previous rechecks was not
/// over.
fn too_soon(view: &View<'_>, ttl: Ms) -> Option<String> {
    let mut unchanged = 0;
    let mut before: Option<&Call> = None;
    for call in &view.fetches {
        let (Some(ended), Outcome::Secret(keys)) = (call.ended, &call.result) else {
            unchanged = 0;
            before = None;
            continue;
        };
        // the function may drop the secret that a later attempt of an older fetch returns
        if view.began(call) != call.began {
            unchanged = 0;
            before = None;
            continue;
        }
        if let Some(last) = before {
            let last_ended = last.ended.unwrap_or(0);
            let fresh = call.began < last.began + ttl;
            let frozen = view.frozen_between(last.began, ended);
            if view.quiet_before(call.began) >= MAY_BE_FORGOTTEN {
                unchanged = 0;
            }
            // if two fetches wait for the same credentials, neither counts as a recheck that
            // follows the other fetch
            let fresh = fresh && call.began >= last_ended;
            if fresh && unchanged > 0 {
                let pause = PAUSES[(unchanged - 1).min(PAUSES.len() - 1)];
                if call.began + 2 < last_ended + pause {
                    return Some(format!("{call:?} {unchanged} rechecks after {last:?}"));
                }
            }
            let same = matches!(&last.result, Outcome::Secret(before) if before == keys);
            let is_recheck = fresh && same && !frozen && ended - call.began < 1_000;
            unchanged = if is_recheck { unchanged + 1 } else { 0 };
        }
        before = Some(call);
    }
    None
}

fn too_many(view: &View<'_>) -> Option<String> {
    let began: Vec<Ms> = view.fetches.iter().map(|call| call.began).collect();
    let window = |calls: &&[Ms]| calls[MOST_CALLS_IN_A_MINUTE] - calls[0] < 60_000;
    let storm = began.windows(MOST_CALLS_IN_A_MINUTE + 1).find(window);
    storm.map(|calls| format!("{} calls from {} on", calls.len(), calls[0]))
}
