//! Reads the undelivered records in the function's log.

use std::collections::HashSet;
use std::time::SystemTime;

use anyhow::Result;
use aws_config::SdkConfig;
use jw_webhook_forwarder::undelivered::join::{Broken, Joined, Undelivered, join};

use super::destination::Destination;
use crate::log;

/// Each line of a record begins with this word, even if the line was cut. `join` ignores other lines with
/// this word.
const PATTERN: &str = r#""undelivered""#;

/// A log's records, with the time of each in milliseconds since 1970.
pub struct Log {
    /// Records that can be sent, oldest first.
    pub records: Vec<(i64, Undelivered)>,
    /// Records that cannot be sent, oldest first.
    pub broken: Vec<(i64, Broken)>,
}

impl Log {
    pub async fn read(sdk: &SdkConfig, group: &str, since: Option<SystemTime>) -> Result<Self> {
        let Joined { records, broken } = join(log::read(sdk, group, PATTERN, since, None).await?);
        Ok(Self { records, broken })
    }

    /// Keeps only the first record of each event for each queue, and returns the number of dropped
    /// records. An event has several records if JW sent it again and it failed again. If an event has
    /// records for two queues, one record for each queue stays, because one of the queues may have been
    /// deleted.
    pub fn drop_repeated(&mut self, destination: &Destination) -> usize {
        let all = self.records.len();
        let mut seen = HashSet::new();
        self.records.retain(|(_, record)| {
            let event_id = record.message().event_id.to_owned();
            seen.insert((event_id, destination.of(record).to_owned()))
        });
        all - self.records.len()
    }
}
