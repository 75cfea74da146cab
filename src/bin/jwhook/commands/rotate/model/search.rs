//! Visits every reachable state, breadth first, so that the trace to a fault is as short as possible.
//!
//! The tests do not use the model checker `stateright`, which would add a dozen crates and a web
//! server. `stateright` can neither express "the end is reachable from every state" nor merge states
//! that differ only in the order of the operators.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use super::ends::Ends;
use super::{Action, Fault, Model, State};

pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) fault: Option<(Fault, String)>,
}

pub(super) fn explore(model: &Model) -> Explored {
    let mut numbers: HashMap<State, usize> = HashMap::new();
    let mut visited: Vec<(State, Option<(usize, Action)>)> = Vec::new();
    for start in model.starts() {
        numbers.insert(start, visited.len());
        visited.push((start, None));
    }
    let mut ends = Ends::new(model);
    let mut at = 0;
    while at < visited.len() {
        let state = visited[at].0;
        let fault = model.fault(&state);
        if let Some(fault) = fault.or_else(|| (!ends.reached(&state)).then_some(Fault::Endless)) {
            return Explored { states: visited.len(), fault: Some((fault, trace(&visited, at))) };
        }
        for (what, after) in model.next(&state) {
            if let Entry::Vacant(entry) = numbers.entry(after.canonical()) {
                entry.insert(visited.len());
                visited.push((after, Some((at, what))));
            }
        }
        at += 1;
    }
    Explored { states: visited.len(), fault: None }
}

/// The actions from the start to this state.
fn trace(visited: &[(State, Option<(usize, Action)>)], mut at: usize) -> String {
    let mut lines = vec![format!("{:?}", visited[at].0)];
    while let Some((before, what)) = &visited[at].1 {
        lines.push(what.to_string());
        at = *before;
    }
    lines.iter().rev().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{line}");
        text
    })
}
