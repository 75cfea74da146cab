//! Waiting that a person can watch.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use crate::output;

/// Waits, with a bar and the seconds left on a terminal, else with one line before.
pub async fn wait(duration: Duration, what: &str) {
    if duration.is_zero() {
        return;
    }
    let bar = ProgressBar::new(duration.as_secs().max(1)).with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar} {pos}/{len} s") {
        bar.set_style(style);
    }
    if bar.is_hidden() {
        output::note(&format!("{what}: {} s", duration.as_secs_f64().ceil()));
    }
    let began = Instant::now();
    let mut elapsed = Duration::ZERO;
    while elapsed < duration {
        bar.set_position(elapsed.as_secs());
        sleep_until(began + duration.min(elapsed + Duration::from_secs(1))).await;
        elapsed = began.elapsed();
    }
    bar.finish_and_clear();
}

/// A bar for so many things, on a terminal.
pub fn count(number: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(number as u64).with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// Something that turns on a terminal, with each step that is made of nobody knows how many.
pub fn spinner(what: &str) -> ProgressBar {
    ProgressBar::new_spinner().with_message(what.to_owned())
}
