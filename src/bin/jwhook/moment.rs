//! Parses and formats times and durations.

use std::time::SystemTime;

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Formats a time as JW does: RFC 3339, whole seconds, UTC written `+00:00`.
pub fn written(moment: OffsetDateTime) -> String {
    let utc = moment.to_offset(time::UtcOffset::UTC);
    let whole = utc.replace_nanosecond(0).unwrap_or(utc);
    whole.format(&Rfc3339).unwrap_or_default().replace('Z', "+00:00")
}

/// Formats a time that AWS gives in milliseconds since 1970.
pub fn written_millis(millis: i64) -> String {
    of_millis(millis).map_or_else(|| "-".to_owned(), written)
}

fn of_millis(millis: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

/// Formats an age in the largest unit that gives a number above 1: `26 hours ago`.
pub fn ago(age: std::time::Duration) -> String {
    let seconds = age.as_secs();
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds >= 2 * length);
    let (unit, length) = unit.unwrap_or(("seconds", 1));
    format!("{} {unit} ago", seconds / length)
}

/// Parses an argument that is a time.
pub fn parse(text: &str) -> Result<SystemTime, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339);
    moment.map(SystemTime::from).map_err(|_| "not a time like 2026-11-23T20:00:00Z".to_owned())
}

/// Parses a time in a response of JW.
pub fn read(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Parses an argument that is a time, or an age like `90m`, `2h` or `3d`.
pub fn parse_past(text: &str) -> Result<SystemTime, String> {
    let ago = || OffsetDateTime::now_utc().checked_sub(length(text)?);
    parse(text).or_else(|_| {
        ago().map(SystemTime::from).ok_or_else(|| {
            "not a time like 2026-11-23T20:00:00Z, and not an age like 2h or 3d".to_owned()
        })
    })
}

/// Parses an argument that is a duration: `15m`, or a number of seconds.
pub fn parse_length(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse::<u32>().ok().map(|seconds| Duration::seconds(seconds.into()));
    seconds()
        .or_else(|| length(text))
        .ok_or_else(|| "not a number of seconds, and not a duration like 15m or 2h".to_owned())
}

fn length(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number = number.parse::<u32>().ok()?;
    Some(Duration::seconds(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_jw_writes_them() {
        assert_eq!(written_millis(1_700_001_010_999), "2023-11-14T22:30:10+00:00");
        assert_eq!(written_millis(i64::MAX), "-");
    }

    #[test]
    fn age_is_written_in_its_largest_unit() {
        for (seconds, expected) in [
            (0, "0 seconds ago"),
            (119, "119 seconds ago"),
            (120, "2 minutes ago"),
            (7_199, "119 minutes ago"),
            (100_000, "27 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(std::time::Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn past_time_is_rfc_3339_or_an_age() {
        let expected = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_001_010);
        assert_eq!(parse_past("2023-11-14T23:30:10+01:00"), Ok(expected));
        let then = parse_past("90m").unwrap();
        let ago = SystemTime::now().duration_since(then).unwrap();
        assert!((5_400..5_460).contains(&ago.as_secs()), "{ago:?}");
        for wrong in ["", "2", "h", "2w", "-2h", "2 h", "2023-11-14", "4294967296s", "2µ"] {
            assert!(parse_past(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn duration_is_seconds_or_has_a_unit() {
        for (text, seconds) in [("0", 0), ("90", 90), ("90s", 90), ("15m", 900), ("2d", 172_800)] {
            assert_eq!(parse_length(text), Ok(Duration::seconds(seconds)));
        }
        for wrong in ["", "m", "-5", "1.5h", "4294967296"] {
            assert!(parse_length(wrong).is_err(), "{wrong}");
        }
    }
}
