//! The function's log, and the records in it.

use std::collections::HashSet;
use std::time::SystemTime;

use anyhow::Result;
use aws_config::SdkConfig;
use jw_webhook_forwarder::undelivered::join::{Broken, Joined, Undelivered, join};

use crate::log;

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
        let lines = log::read(sdk, group, PATTERN, since, None).await?;
        let Joined { mut records, broken } = join(lines);
        let all = records.len();
        let mut seen = HashSet::new();
        records.retain(|(_, record)| seen.insert(record.message().event_id.to_owned()));
        Ok(Self { repeated: all - records.len(), records, broken })
    }
}
