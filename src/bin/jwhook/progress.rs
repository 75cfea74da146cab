//! Waiting that a person can watch.

use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use crate::output;

/// All that is shown at the same time, so that a wait and what waits do not write over each other.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Waits, with a bar and the seconds left on a terminal, else with one line before.
pub async fn wait(duration: Duration, what: &str) {
    if duration.is_zero() {
        return;
    }
    let bar = shown(ProgressBar::new(duration.as_secs().max(1)), what);
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
    let bar = shown(ProgressBar::new(number as u64), what);
    if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// A spinner, for work of unknown length.
pub fn spinner(what: &str) -> ProgressBar {
    shown(ProgressBar::new_spinner(), what)
}

/// A bar for a whole that is measured and not counted, with the share that is done. Its prefix is the
/// time left.
pub fn share(whole: u64, what: &str) -> ProgressBar {
    let bar = shown(ProgressBar::new(whole), what);
    if let Ok(style) = ProgressStyle::with_template("{msg}  {wide_bar} {percent} %, {prefix} left")
    {
        bar.set_style(style);
    }
    bar
}

fn shown(bar: ProgressBar, what: &str) -> ProgressBar {
    SHOWN.add(bar).with_message(what.to_owned())
}
