//! The function's log, and the records in it.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use jw_webhook_forwarder::undelivered::join::{Broken, Joined, Undelivered, join};

use crate::{aws, progress};

/// A pattern of words: it finds each part of each record, and other lines, which `join` passes over.
const PATTERN: &str = r#""undelivered" "event_id" "queue_url""#;

/// What a log has. The numbers are the times at which it was logged, in milliseconds since 1970.
pub struct Log {
    /// Each event once, oldest first.
    pub records: Vec<(i64, Undelivered)>,
    /// Records that cannot be sent, oldest first.
    pub broken: Vec<(i64, Broken)>,
    /// Records of events that have one already: JW sent them again, and they failed again.
    pub repeated: usize,
}

impl Log {
    pub async fn read(sdk: &SdkConfig, group: &str, since: Option<SystemTime>) -> Result<Self> {
        let since = since.and_then(|since| since.duration_since(UNIX_EPOCH).ok());
        let since = since.and_then(|since| i64::try_from(since.as_millis()).ok());
        let call = Client::new(sdk).filter_log_events().log_group_name(group);
        let call = call.filter_pattern(PATTERN).set_start_time(since);
        let mut pages = call.into_paginator().send();
        let spinner = progress::spinner(&format!("reading log group {group}"));
        let mut lines = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                aws::failed("logs:FilterLogEvents", &format!("log group {group}"), error)
            })?;
            spinner.inc(1);
            lines.extend(
                page.events
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|line| Some((line.timestamp.unwrap_or_default(), line.message?))),
            );
        }
        spinner.finish_and_clear();
        let Joined { mut records, broken } = join(lines);
        let all = records.len();
        let mut seen = HashSet::new();
        records.retain(|(_, record)| seen.insert(record.message().event_id.to_owned()));
        Ok(Self { repeated: all - records.len(), records, broken })
    }
}
