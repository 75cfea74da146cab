//! The function's log, and the records in it.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use aws_config::SdkConfig;
use aws_sdk_cloudwatchlogs::Client;
use jw_webhook_forwarder::message::undelivered::Undelivered;

use crate::{aws, progress};

/// A pattern of words: it finds all the lines that are meant, and others, which are left out here.
const PATTERN: &str = r#""undelivered" "event_id" "queue_url""#;

/// An event that wasn't delivered, and when that was logged.
pub struct Record {
    pub logged_millis: i64,
    pub undelivered: Undelivered,
}

/// What a log has.
pub struct Log {
    /// Each event once, oldest first.
    pub records: Vec<Record>,
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
        let mut records = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                aws::failed("logs:FilterLogEvents", &format!("log group {group}"), error)
            })?;
            spinner.inc(1);
            records.extend(page.events.unwrap_or_default().into_iter().filter_map(|line| {
                Some(Record {
                    logged_millis: line.timestamp.unwrap_or_default(),
                    undelivered: Undelivered::in_line(line.message.as_deref()?)?,
                })
            }));
        }
        spinner.finish_and_clear();
        records.sort_by_key(|record| record.logged_millis);
        let all = records.len();
        let mut seen = HashSet::new();
        records.retain(|record| seen.insert(record.undelivered.message().event_id.to_owned()));
        Ok(Self { repeated: all - records.len(), records })
    }
}
