//! Which events a medium must have caused by now.
//!
//! JW keeps no list of sent events, and nothing says when a medium became ready or what was updated. So
//! only three events can be checked, and only if the medium's own members prove that JW had to send them.

use time::{Duration, OffsetDateTime};

use crate::jw::media::{Date, Medium};
use crate::jw::webhook::Webhook;
use crate::moment;

const MEDIA_CREATED: &str = "media_created";
const CONVERSIONS_COMPLETE: &str = "conversions_complete";
const MEDIA_AVAILABLE: &str = "media_available";

/// How much later than the creation a default publish start may be. JW gives the creation time to the
/// microsecond, and may round the default publish start up to the next second.
const ROUNDING: Duration = Duration::SECOND;

/// A webhook that calls this stack.
#[derive(Clone, Debug)]
pub struct Caller {
    pub id: String,
    /// `None` if JW's value is missing or unreadable.
    pub created: Option<OffsetDateTime>,
    pub sites: Vec<String>,
    events: Vec<String>,
}

/// The current time, and how long an event may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub now: OffsetDateTime,
    pub settle: Duration,
}

/// Whether JW must have sent an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// JW must have sent the event.
    Sent,
    /// The event may still be on its way.
    Pending,
    /// It is unknown whether JW had to send the event, for this reason.
    Unknown(&'static str),
}

impl Caller {
    pub fn of(webhook: &Webhook) -> Self {
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Self {
            id: webhook.id.clone(),
            created: webhook.created().and_then(moment::read),
            sites: owned(webhook.site_ids()),
            events: owned(webhook.events()),
        }
    }

    pub fn covers(&self, site_id: &str) -> bool {
        self.sites.iter().any(|site| site == site_id)
    }
}

/// The events that JW must or may have sent for a medium, through the webhooks that call this stack.
pub fn events(
    medium: &Medium,
    site_id: &str,
    callers: &[Caller],
    times: Times,
) -> Vec<(&'static str, Expected)> {
    let mut events = Vec::new();
    for event in [MEDIA_CREATED, CONVERSIONS_COMPLETE, MEDIA_AVAILABLE] {
        let subscribed = callers
            .iter()
            .filter(|caller| caller.covers(site_id) && caller.events.iter().any(|of| of == event));
        let mut may_be_older = false;
        let is_covered = subscribed.fold(false, |covered, caller| {
            may_be_older |= caller.created.is_none();
            covered || caller.created.is_some_and(|created| created <= medium.created)
        });
        let Some(expected) = expected(event, medium, times) else { continue };
        match expected {
            _ if is_covered => events.push((event, expected)),
            Expected::Sent if may_be_older => {
                events.push((event, Expected::Unknown("the webhook's age is not known")));
            }
            _ if may_be_older => events.push((event, expected)),
            _ => {}
        }
    }
    events
}

/// Whether every webhook that covers the site was created after the medium.
pub fn predates_webhooks(medium: &Medium, site_id: &str, callers: &[Caller]) -> bool {
    let mut covering = callers.iter().filter(|caller| caller.covers(site_id));
    covering.all(|caller| caller.created.is_some_and(|created| created > medium.created))
}

/// Whether JW must have sent an event, assuming that a webhook subscribes to it. `None` means that the
/// medium has not caused the event yet.
fn expected(event: &str, medium: &Medium, times: Times) -> Option<Expected> {
    let is_recent = |moment: OffsetDateTime| times.now - moment < times.settle;
    if is_recent(medium.created) {
        return Some(Expected::Pending);
    }
    if event == MEDIA_CREATED {
        return Some(Expected::Sent);
    }
    if !medium.is_ready {
        return None;
    }
    Some(match medium.last_modified {
        // the last change may be that the medium became ready
        Some(last_modified) if is_recent(last_modified) => Expected::Pending,
        _ if event == MEDIA_AVAILABLE => available(medium, times.now),
        _ => Expected::Sent,
    })
}

/// If a medium becomes ready before its publish start, JW never sends `media_available`, not even at
/// the publish start.
fn available(medium: &Medium, now: OffsetDateTime) -> Expected {
    match (medium.publish_start, medium.publish_end) {
        (Date::Unreadable, _) | (_, Date::Unreadable) => {
            Expected::Unknown("the publish dates cannot be read")
        }
        (Date::At(start), _) if start > now => {
            Expected::Unknown("the publish start is in the future")
        }
        (Date::At(start), _) if start - medium.created > ROUNDING => {
            Expected::Unknown("the publish start is later than the creation")
        }
        (_, Date::At(end)) if end <= now => Expected::Unknown("the publish end has passed"),
        (Date::Unset | Date::At(_), Date::Unset | Date::At(_)) => Expected::Sent,
    }
}

#[cfg(test)]
mod tests;
