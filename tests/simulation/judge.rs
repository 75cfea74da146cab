//! The promises that every run must keep, with any faults.

mod answers;
mod queue;
mod rechecks;
mod secret;
pub mod view;

use std::collections::BTreeMap;

use crate::clock::Ms;
use crate::event::Request;
use crate::schedule::What;
use crate::world::{Answer, Line, World};
use view::View;

/// A promise that a run broke.
#[derive(Clone, Debug)]
pub struct Broken {
    pub promise: &'static str,
    pub how: String,
}

pub struct Judge<'w> {
    world: &'w World,
    /// One view per instance.
    views: BTreeMap<usize, View<'w>>,
    broken: Vec<Broken>,
}

/// A request, its answer and its log line.
#[derive(Clone, Copy)]
pub struct Answered<'w> {
    pub request: Request,
    pub answer: &'w Answer,
    pub line: &'w Line,
    pub within: Ms,
}

impl Answered<'_> {
    fn is_accepted(&self) -> bool {
        self.answer.status == 200
    }

    /// Whether the secret contained the request's key from the request's beginning to its end.
    fn has_key(&self, world: &World) -> bool {
        let life = world.schedule.life(self.request.webhook);
        life.stored <= self.answer.began && self.answer.ended < life.removed
    }
}

/// All promises that the run broke.
pub fn judge(world: &World) -> Vec<Broken> {
    let answered = answered(world);
    let views = View::of_all(world, &answered);
    let mut judge = Judge { world, views, broken: Vec::new() };
    for complaint in &world.complaints {
        judge.breaks("call AWS and answer Lambda as documented", complaint.clone());
    }
    judge.lines();
    for answered in &answered {
        judge.answer(answered);
        judge.secret(answered);
    }
    judge.queue(&answered);
    judge.held(&answered);
    judge.waits(&answered);
    judge.rechecks();
    judge.broken
}

/// All requests that were answered.
pub fn answered(world: &World) -> Vec<Answered<'_>> {
    let lines = world.lines.iter().filter(|line| line.source == "webhook");
    let lines: BTreeMap<&str, &Line> = lines.map(|line| (line.request_id.as_str(), line)).collect();
    let answered = world.answers.iter().filter_map(|answer| {
        let step = world.schedule.steps[answer.step];
        let What::Request(request) = step.what else { return None };
        let line = lines.get(answer.request_id.as_str())?;
        Some(Answered { request, answer, line, within: step.within })
    });
    answered.collect()
}

impl Judge<'_> {
    fn breaks(&mut self, promise: &'static str, how: String) {
        self.broken.push(Broken { promise, how });
    }

    /// Checks that each request has exactly one log line.
    fn lines(&mut self) {
        let lines = self.world.lines.iter().filter(|line| line.source == "webhook").count();
        if lines != self.world.answers.len() {
            let how = format!("{lines} log lines for {} requests", self.world.answers.len());
            self.breaks("write one line for each request", how);
        }
    }
}
