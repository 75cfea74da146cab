//! Progress bars and visible waits.

use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep_until};

use crate::output;

/// All bars that are visible at the same time, so that they do not overwrite each other.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Waits. Shows a bar on a terminal, and prints one line elsewhere.
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

/// A bar that counts items.
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

/// A bar that shows a percentage. Its prefix is the time left.
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
