//! Reads the function's log.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;

use crate::{aws, progress};

/// How many pages in a row may have no new line. CloudWatch Logs returns empty pages, and may repeat a
/// token, while it searches streams without a match.
const MAX_EMPTY_PAGES: usize = 2_000;

/// A log line: its time in milliseconds since 1970, and its text.
pub type Line = (i64, String);

/// Reads the lines of a log group that match a filter pattern and were logged from `since` to `until`
/// inclusive, oldest first within a stream. `None` means no limit.
///
/// The SDK's paginator would stop at the first repeated token and return an incomplete list. This
/// function ends only at a page without a token.
pub async fn read(
    sdk: &SdkConfig,
    group: &str,
    pattern: &str,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
) -> Result<Vec<Line>> {
    let call = Client::new(sdk).filter_log_events().log_group_name(group).filter_pattern(pattern);
    let call = call.set_start_time(since.and_then(millis)).set_end_time(until.and_then(millis));
    let spinner = progress::spinner(&format!("reading log group {group}"));
    let (mut lines, mut seen) = (Vec::new(), HashSet::new());
    let (mut token, mut empty_pages) = (None, 0);
    loop {
        let page = call.clone().set_next_token(token).send().await.map_err(|error| {
            aws::failed("logs:FilterLogEvents", &format!("log group {group}"), error)
        })?;
        spinner.inc(1);
        let before = lines.len();
        for event in page.events.unwrap_or_default() {
            let Some(text) = event.message else { continue };
            let at = event.timestamp.unwrap_or_default();
            if seen.insert(event.event_id.unwrap_or_else(|| format!("{at} {text}"))) {
                lines.push((at, text));
            }
        }
        empty_pages = if lines.len() > before { 0 } else { empty_pages + 1 };
        token = page.next_token;
        if token.is_none() {
            spinner.finish_and_clear();
            return Ok(lines);
        }
        if empty_pages == MAX_EMPTY_PAGES {
            bail!(
                "cannot read all of log group {group}: CloudWatch Logs returned {MAX_EMPTY_PAGES} pages \
                 in a row without a new line. Try again with a later --since"
            );
        }
    }
}

fn millis(time: SystemTime) -> Option<i64> {
    let since_1970 = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_millis()).ok()
}
