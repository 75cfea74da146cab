//! Reads the media of all sites and shows the progress.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::report::{Report, Site};
use crate::jw::media::Medium;
use crate::jw::webhook::is_id;
use crate::jw::{Jw, least_time};
use crate::output::plain;
use crate::progress;

/// Reads the media of these sites in the report's window. Returns each medium with its site's id. Adds
/// to the report what cannot be read.
pub async fn media(
    jw: &Jw,
    sites: BTreeSet<String>,
    report: &mut Report,
) -> Result<Vec<(String, Medium)>> {
    let progress = Progress::begin(report.until, report.until - report.since, sites.len());
    let mut media = Vec::new();
    for (number, site_id) in sites.into_iter().enumerate() {
        if !is_id(&site_id) {
            let site_id = plain(&site_id);
            report.incomplete.push(format!("\"{site_id}\" is not the id of a JW site"));
            continue;
        }
        let on_page = |oldest| progress.page(number, oldest);
        let listing = jw.media(&site_id, report.since, on_page).await?;
        report.incomplete.extend(listing.cut_off);
        let unreadable = listing.unreadable.iter();
        report.incomplete.extend(
            unreadable.map(|what| {
                format!("site {site_id} has {}: this medium is not checked", plain(what))
            }),
        );
        report.sites.push(Site { site_id: site_id.clone(), media: listing.media.len() });
        media.extend(listing.media.into_iter().map(|medium| (site_id.clone(), medium)));
    }
    progress.bar.finish_and_clear();
    Ok(media)
}

/// A progress bar. It shows how many seconds of the window are read, for all sites, because the number
/// of media is unknown.
struct Progress {
    bar: ProgressBar,
    began: Instant,
    until: OffsetDateTime,
    window: Duration,
    requests: Cell<u32>,
}

impl Progress {
    fn begin(until: OffsetDateTime, window: time::Duration, sites: usize) -> Self {
        let window = window.unsigned_abs();
        let bar = progress::share(window.as_secs() * sites as u64, "reading JW's media");
        // the request that read the webhooks
        Self { bar, began: Instant::now(), until, window, requests: Cell::new(1) }
    }

    /// Counts a page. The media of this site have now been read back to the creation time `oldest`.
    fn page(&self, site: usize, oldest: OffsetDateTime) {
        let read = (self.until - oldest).unsigned_abs().min(self.window);
        let position = self.window.as_secs() * site as u64 + read.as_secs();
        self.requests.set(self.requests.get() + 1);
        let done = position as f64 / self.bar.length().unwrap_or(1).max(1) as f64;
        let left = time_left(self.requests.get(), self.began.elapsed(), done);
        self.bar.set_prefix(format!("about {} s", left.as_secs()));
        self.bar.set_position(position);
    }
}

/// Estimates the time left from the requests so far, the time that they took, and the share of the work
/// that is done. JW's rate limit may make the time longer.
fn time_left(requests: u32, elapsed: Duration, done: f64) -> Duration {
    let done = done.clamp(0.001, 1.0);
    let all_requests = (f64::from(requests) / done).ceil() as u32;
    let at_this_rate = elapsed.mul_f64((1.0 - done) / done);
    let at_the_limit = least_time(all_requests).saturating_sub(elapsed);
    if at_the_limit.is_zero() { at_this_rate } else { at_the_limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_bar_counts_the_time_range_of_every_site() {
        let until = OffsetDateTime::UNIX_EPOCH;
        let hours = time::Duration::hours;
        let progress = Progress::begin(until, hours(10), 2);
        tokio::time::advance(Duration::from_secs(9)).await;
        progress.page(0, until - hours(5));
        assert_eq!(progress.bar.position(), 5 * 3_600);
        assert_eq!(progress.bar.prefix(), "about 27 s"); // 6 more requests
        progress.page(0, until - hours(11)); // older than the window
        assert_eq!(progress.bar.position(), 10 * 3_600);
        progress.page(1, until - hours(10));
        assert_eq!(progress.bar.position(), progress.bar.length().unwrap());
        assert_eq!(progress.bar.prefix(), "about 0 s");
        assert_eq!(progress.requests.get(), 4); // including the request for the webhooks
    }

    #[test]
    fn time_left_includes_the_rate_limit() {
        for (requests, elapsed, done, left) in [
            (10, 5, 0.5, 5),
            (30, 10, 0.5, 10),
            (31, 10, 0.5, 50),
            (61, 60, 0.5, 60),
            (119, 65, 0.99, 55), // the last request waits for the third minute
            (10, 5, 1.0, 0),
        ] {
            let left_now = time_left(requests, Duration::from_secs(elapsed), done);
            assert_eq!(left_now.as_secs(), left, "{requests} requests, {elapsed} s, {done}");
        }
        time_left(2, Duration::from_secs(3_600), 0.0); // does not overflow
    }
}
