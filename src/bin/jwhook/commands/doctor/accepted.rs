//! Checks when the function last accepted an event. If JW never calls a webhook, nothing else reports
//! an error.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use aws_config::SdkConfig;
use serde::Deserialize;

use super::report::Report;
use crate::log;
use crate::moment;
use crate::stack::Stack;

/// Matches the wide events of accepted requests.
const PATTERN: &str = r#"{ $.outcome = "accepted" }"#;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far back the log is read, one window after the other. A busy function's last event is in the
/// first window. In a longer window, a quiet function has few lines.
const WINDOWS: [Duration; 4] =
    [Duration::from_secs(300), Duration::from_secs(3600), DAY, DAY.saturating_mul(14)];

#[derive(Deserialize)]
struct Line {
    outcome: String,
}

pub async fn check(report: &mut Report, sdk: &SdkConfig, stack: &Stack) -> Result<()> {
    let Some(group) = stack.log_group() else {
        return report.skip("accepted", "there is no stack, so there is no log to read", None);
    };
    let now = SystemTime::now();
    let advice = "if JW should have sent events since then, post an event with jwhook send, and \
                  read the lines about webhooks above";
    match last(sdk, group, now).await {
        Err(error) => report.error("accepted", &error),
        Ok(None) => report.warn("accepted", "no event was accepted in 14 days", advice),
        Ok(Some(last)) => {
            let age = now.duration_since(last).unwrap_or_default(); // the log's clock may be ahead
            let detail = format!("the last event was accepted {}", moment::ago(age));
            if age < DAY {
                report.ok("accepted", detail)
            } else {
                report.warn("accepted", detail, advice)
            }
        }
    }
}

/// When the last event was accepted; `None` if that was before the longest window.
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
