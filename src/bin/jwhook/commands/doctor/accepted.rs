//! When the function last accepted an event. A webhook that is never called shows no error anywhere.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_config::SdkConfig;
use serde::Deserialize;

use super::report::Report;
use crate::log;
use crate::moment;
use crate::stack::Stack;

/// The function's lines about accepted events.
const PATTERN: &str = r#"{ $.outcome = "accepted" }"#;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far the log is read back, one after the other: a busy function's last event is found in few
/// lines, and a log that is nearly empty is read quickly.
const WINDOWS: [Duration; 4] =
    [Duration::from_secs(300), Duration::from_secs(3600), DAY, DAY.saturating_mul(14)];

/// What is read of a line.
#[derive(Deserialize)]
struct Line {
    outcome: String,
}

pub async fn check(report: &mut Report, sdk: &SdkConfig, stack: &Stack) -> Result<()> {
    let Some(group) = stack.log_group() else {
        return report.skip("accepted", "no stack was found whose log could be read", None);
    };
    let now = SystemTime::now();
    let advice = "if JW should have sent events since: post one with jwhook send, and look at the \
                  webhooks' lines above";
    match last(sdk, group, now).await {
        Err(error) => report.error("accepted", &error),
        Ok(None) => report.warn("accepted", "no event was accepted in 14 days", advice),
        Ok(Some(last)) => {
            let age = now.duration_since(last).unwrap_or_default(); // clocks differ
            let detail = format!("the last event was accepted {}", moment::ago(age));
            if age < DAY {
                report.ok("accepted", detail)
            } else {
                report.warn("accepted", detail, advice)
            }
        }
    }
}

/// When the last event was accepted, if that is in the longest window.
async fn last(sdk: &SdkConfig, group: &str, now: SystemTime) -> Result<Option<SystemTime>> {
    let mut until = None; // the log's clock may be ahead of this machine's
    for window in WINDOWS {
        let since = now - window;
        let lines = log::read(sdk, group, PATTERN, Some(since), until).await?;
        let accepted = lines.iter().filter(|(_, text)| {
            serde_json::from_str::<Line>(text).is_ok_and(|line| line.outcome == "accepted")
        });
        let last = accepted.filter_map(|(at, _)| u64::try_from(*at).ok()).max();
        if let Some(millis) = last {
            return Ok(Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis)));
        }
        until = Some(since);
    }
    Ok(None)
}
