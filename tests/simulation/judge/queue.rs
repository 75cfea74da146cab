//! Every event is queued exactly as it was signed, or can be recovered from the log or the held
//! queue.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answered, Judge};
use crate::clock::Ms;
use crate::event::{Kind, Message, Request};
use crate::world::{Line, Undelivered};

impl Judge<'_> {
    pub(super) fn queue(&mut self, answered: &[Answered<'_>]) {
        let fifo = self.world.schedule.setting.fifo;
        let mut signed: BTreeMap<String, Vec<Message>> = BTreeMap::new();
        for Answered { request, .. } in answered.iter().filter(|a| a.request.kind == Kind::Good) {
            signed.entry(request.event_id()).or_default().push(request.message(fifo));
        }
        let mut ids = BTreeSet::new();
        for queued in &self.world.queued {
            let event_id = queued.message.attributes.iter().find(|(name, _)| name == "event_id");
            let of_event = event_id.and_then(|(_, id)| signed.get(id));
            if !of_event.is_some_and(|messages| messages.contains(&queued.message)) {
                let promise = "queue only what JW signed, as it was signed";
                self.breaks(promise, format!("{queued:?}"));
            }
            ids.insert((queued.id.as_str(), event_id.map(|(_, id)| id.as_str())));
        }
        let mut undelivered: Vec<&Undelivered> = Vec::new();
        for line in &self.world.lines {
            undelivered.extend(&line.undelivered);
        }
        for answered in answered {
            let Answered { request, answer, .. } = answered;
            let event_id = request.event_id();
            if answered.is_accepted() {
                let body: serde_json::Value =
                    serde_json::from_str(&answer.body).unwrap_or_default();
                let id = body["message_id"].as_str().unwrap_or_default();
                let is_queued = ids.contains(&(id, Some(event_id.as_str())));
                if !is_queued || body["event_id"] != event_id {
                    let promise = "queue every event that gets a 2xx";
                    self.breaks(promise, format!("{request:?} was answered {}", answer.body));
                }
            }
            let records = undelivered.iter().filter(|record| {
                record.request_id == answer.request_id && is_whole(record, request, fifo)
            });
            let expected = usize::from(answered.line.reason.starts_with("queue_"));
            let records = records.count();
            if records != expected {
                self.breaks(
                    "log every verified event without a 2xx once",
                    format!("{records} records of {}: {:?}", answer.request_id, answered.line),
                );
            }
        }
        let requests: BTreeSet<&str> =
            answered.iter().map(|answered| answered.answer.request_id.as_str()).collect();
        for record in undelivered {
            if !requests.contains(record.request_id.as_str()) {
                let promise = "write no record of an event that is in the held queue";
                self.breaks(promise, format!("{record:?}"));
            }
        }
    }

    /// Checks that a held event stays in the held queue until it is queued or can never be valid.
    pub(super) fn held(&mut self, answered: &[Answered<'_>]) {
        let mut queued: BTreeSet<&str> = BTreeSet::new();
        for message in &self.world.queued {
            let attributes = message.message.attributes.iter();
            queued.extend(
                attributes.filter(|(name, _)| name == "event_id").map(|(_, id)| id.as_str()),
            );
        }
        let tokens: BTreeSet<&str> =
            self.world.held.iter().map(|held| held.token.as_str()).collect();
        for answered in answered.iter().filter(|answered| answered.line.outcome == "held") {
            if !tokens.contains(answered.request.token().as_str()) {
                self.breaks(
                    "hold every event that is logged as held",
                    format!("{:?}", answered.line),
                );
            }
        }
        for held in &self.world.held {
            let Some(request) = self.world.request_of(&held.token) else {
                self.breaks("put only tokens into the held queue", format!("{held:?}"));
                continue;
            };
            let has_key = self.world.schedule.keys(Ms::MAX - 1).contains(&request.webhook);
            let may_stay = request.kind.is_forged() || !has_key;
            match held.left {
                None if may_stay => {}
                None => {
                    self.breaks("forward each held event after the outage", format!("{held:?}"))
                }
                Some(_) if request.kind == Kind::Expired => {}
                Some(_)
                    if request.kind == Kind::Good
                        && queued.contains(request.event_id().as_str()) => {}
                Some(_) => self.breaks(
                    "keep a held event until it is queued",
                    format!("{held:?} of {request:?}"),
                ),
            }
        }
        for batch in &self.world.batches {
            let lines = |outcome: &str| {
                let of_batch = |line: &&Line| {
                    line.source == "held_queue" && line.request_id == batch.request_id
                };
                let lines = self.world.lines.iter().filter(of_batch);
                lines.filter(|line| outcome.is_empty() || line.outcome == outcome).count()
            };
            let stay = lines("held");
            let fault = (lines("") != batch.handed.len() || stay != batch.stay.len())
                .then(|| format!("{} lines, {stay} of which stay", lines("")));
            for fault in batch.fault.clone().into_iter().chain(fault) {
                self.breaks("log the result of each held event", format!("{batch:?}: {fault}"));
            }
            if batch.ended - batch.began > batch.within.min(20_000) {
                self.breaks("answer before the deadline and within 20 s", format!("{batch:?}"));
            }
        }
    }
}

/// Whether the record contains everything needed to send the event again.
fn is_whole(record: &Undelivered, request: &Request, fifo: bool) -> bool {
    let message = Message {
        body: record.body.clone(),
        attributes: record.attributes.clone().into_iter().collect(),
        group: record.group_id.clone(),
        deduplication: record.deduplication_id.clone(),
    };
    record.event_id == request.event_id() && message == request.message(fifo)
}
