//! Kills a command at a given place. The service that the command calls does not answer, and the
//! test kills the command while the command waits for the answer.

use super::world::World;
use crate::jwhook::support::{Jwhook, Meet, Until};
use std::time::Duration;

/// A place in a command's run.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    call: Option<&'static str>,
    done: bool,
    wait: Duration,
}

impl Kill {
    /// Kills the command before the next call of this name is performed. The name is a method of
    /// JW's API or an operation of AWS.
    pub fn at(call: &'static str) -> Self {
        Self { call: Some(call), done: false, wait: Duration::ZERO }
    }

    /// Kills the command after the call is performed and before the answer arrives.
    pub fn done(self) -> Self {
        Self { done: true, ..self }
    }

    /// Kills the command this long after the answer to the call.
    pub fn and_then(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Kills the command this long after the command's start.
    pub fn after(wait: Duration) -> Self {
        Self { call: None, done: false, wait }
    }

    /// Starts the command and kills it at this place.
    pub async fn strike(self, world: &World, command: Jwhook) {
        let until = if self.done { Until::Performed } else { Until::Begun };
        let is_jws = |call: &str| call.bytes().all(|byte| byte.is_ascii_uppercase());
        let before = self.call.map(|call| {
            if is_jws(call) {
                world.jw.count(until, call)
            } else {
                world.account.count(until, call)
            }
        });
        if let Some(call) = self.call
            && self.wait.is_zero()
        {
            let meet = if self.done { Meet::DoneThenHold } else { Meet::Hold };
            if is_jws(call) { world.jw.next(call, meet) } else { world.account.next(call, meet) }
        }
        let running = command.spawn();
        if let Some((call, before)) = self.call.zip(before) {
            if is_jws(call) {
                world.jw.until(until, call, before + 1).await;
            } else {
                world.account.until(until, call, before + 1).await;
            }
        }
        tokio::time::sleep(self.wait).await;
        let ran = running.kill(&world.jw).await;
        assert_eq!(ran.code, None, "the command ended before the kill: {ran:#?}");
    }
}
