//! Keeps a key in the ring while events are held, because the function can never verify a held event
//! without its webhook's key.
//!
//! Only the function may read which webhook a held event belongs to, so any held event counts.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use tokio::time::{Instant, sleep};

use crate::context::Context;
use crate::held::{Held, Waiting};
use crate::output::note;
use crate::progress;

/// How long a command waits for held events. The function retries a held event every 5 minutes, so this
/// is time for at least two attempts.
const MAX_WAIT: Duration = Duration::from_secs(15 * 60);

/// The pause between two counts.
const COUNT_INTERVAL: Duration = Duration::from_secs(3);

/// How many counts in a row must be 0 after a count found held events: SQS's counts are approximate and
/// may miss a message between two attempts. If the very first count is 0, one count is enough, because
/// it is wrong only if an event was held within the last minute.
const ZEROS: usize = 2;

/// Whether to remove a key that held events may need.
#[derive(Clone, Copy, Debug, Args)]
pub struct DropHeld {
    /// Remove the key from the ring even if events are held. Held events that need this key are lost
    #[arg(long)]
    pub drop_held: bool,
}

/// Call it before a key is removed. Waits until no event is held or, with `--drop-held`, prints how
/// many events may be lost.
pub async fn before_removal(context: &Context, DropHeld { drop_held }: DropHeld) -> Result<()> {
    if drop_held { tell_dropped(context).await } else { wait(context).await }
}

/// Call it between the deletion of a webhook and the removal of its key. Waits again, because the
/// webhook's last events may have been held meanwhile.
pub async fn after_deletion(context: &Context, DropHeld { drop_held }: DropHeld) -> Result<()> {
    if drop_held { Ok(()) } else { wait(context).await }
}

/// Waits until no event is held.
pub async fn wait(context: &Context) -> Result<()> {
    let stack = context.stack().await?;
    if stack.held_queue_url().is_none() {
        note(
            "jwhook cannot tell whether a held event needs the key, because it does not know the held \
             queue: give --stack NAME. If the stack has no output HeldQueueUrl, deploy the stack again",
        );
        return Ok(());
    }
    until_none_is_held(async || {
        Held::count(&context.sdk, stack).await.context(
            "cannot count the held events, so the key stays in the ring; --drop-held removes the key \
             all the same",
        )
    })
    .await
}

/// Prints on stderr how many held events may be lost.
pub async fn tell_dropped(context: &Context) -> Result<()> {
    match Held::count(&context.sdk, context.stack().await?).await {
        Ok(held) if held.number() == 0 => {}
        Ok(held) => note(&format!(
            "--drop-held: {} held, and the held events that need this key are lost",
            events_are(held.number())
        )),
        Err(error) => {
            note(&format!("--drop-held: cannot count the held events: {error:#}"));
        }
    }
    Ok(())
}

async fn until_none_is_held(count: impl AsyncFn() -> Result<Held>) -> Result<()> {
    let began = Instant::now();
    let spinner = progress::spinner("waiting until no event is held");
    let (mut told, mut zeros) = (0, 0);
    loop {
        let held = count().await?;
        let number = held.number();
        let dead_lettered = held.dead_lettered.as_ref().map_or(0, Waiting::number);
        if dead_lettered > 0 {
            bail!(
                "{} in the held dead-letter queue and may need the key, so the key stays in the ring. \
                 The function does not retry events in that queue: run jwhook recover --held, then run \
                 this command again. To lose those events instead, give --drop-held",
                events_are(dead_lettered)
            );
        }
        zeros = if number == 0 { zeros + 1 } else { 0 };
        if number == 0 && (told == 0 || zeros == ZEROS) {
            spinner.finish_and_clear();
            return Ok(());
        }
        if began.elapsed() >= MAX_WAIT {
            bail!(
                "{} still held after {} minutes and may need the key, so the key stays in the ring. \
                 Run jwhook doctor to see why the function has no usable secret, repair the secret, then \
                 run this command again. To lose those events instead, give --drop-held",
                events_are(number),
                MAX_WAIT.as_secs() / 60
            );
        }
        if number > 0 && number != told {
            spinner.suspend(|| {
                note(&format!(
                    "{} held and may need the key: waiting until the function has forwarded the \
                     held events; the function retries every 5 minutes",
                    events_are(number)
                ));
            });
            told = number;
        }
        spinner.tick();
        sleep(COUNT_INTERVAL).await;
    }
}

fn events_are(number: u64) -> String {
    if number == 1 { "1 event is".to_owned() } else { format!("{number} events are") }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn waiting(visible: u64) -> Option<Waiting> {
        Some(Waiting { url: String::new(), arn: String::new(), visible, not_visible: 0 })
    }

    /// Runs the wait. Each count returns the next of these numbers and, after the last number, that
    /// number again. Returns how many counts there were and how many seconds passed.
    async fn waited(numbers: &[u64]) -> (Result<()>, usize, u64) {
        let began = Instant::now();
        let left = RefCell::new(numbers.iter().copied());
        let (last, counts) = (Cell::new(0), Cell::new(0));
        let outcome = until_none_is_held(async || {
            counts.set(counts.get() + 1);
            last.set(left.borrow_mut().next().unwrap_or(last.get()));
            Ok(Held { waiting: waiting(last.get()), dead_lettered: waiting(0) })
        });
        (outcome.await, counts.get(), began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_at_once_if_the_first_count_is_zero() {
        let (outcome, counts, waited) = waited(&[0]).await;
        assert_eq!((outcome.is_ok(), counts, waited), (true, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_for_held_events_ends_after_two_zeros_in_a_row() {
        let (outcome, counts, waited) = waited(&[2, 0, 1, 0, 0]).await;
        assert_eq!((outcome.is_ok(), counts, waited), (true, 5, 12));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_fails_after_15_minutes() {
        let (outcome, counts, waited) = waited(&[3, 2]).await;
        let error = outcome.unwrap_err().to_string();
        assert!(error.starts_with("2 events are still held after 15 minutes"), "{error}");
        assert_eq!((counts, waited), (301, 900));
    }
}
