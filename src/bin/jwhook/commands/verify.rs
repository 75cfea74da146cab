//! Checks a captured request with the function's own rules, to find out why the function refused it.

mod advice;
pub mod capture;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use clap::Args;
use jw_webhook_forwarder::event::VerifiedEvent;
use jw_webhook_forwarder::key_ring::KeyRing;
use jw_webhook_forwarder::rejection::Rejection;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use self::capture::Capture;
use crate::context::Context;
use crate::verdict::Verdict;
use crate::{input, moment, output};

pub const LONG_ABOUT: &str = "\
Check a captured request with the function's own rules

Prints \"accepted\" with the event_id and the event's members, or the reason of the refusal, as in the \
function's log. Exit code: 0 if accepted, 1 if refused, 2 if the check failed. Sends nothing.

The token file holds the token alone, `Bearer` and the token, or the whole Authorization line. The body \
file holds the body's bytes. One of the two files may be - for stdin.

Uses the secret's current keys and, with --stack, the stack's age limit. JW's tokens never expire. With \
--at, the command checks the request as of the time when it arrived.";

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  jwhook verify --token-file token.txt --body-file body.json --at 2026-11-23T20:00:00Z")]
pub struct Arguments {
    /// The captured token, or Authorization header
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The captured body
    #[arg(long, value_name = "FILE")]
    body_file: PathBuf,
    /// When the request arrived, RFC 3339 (default: now)
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<SystemTime>,
    /// How old the event may be (default: the stack's MaxEventAgeSeconds)
    #[arg(long, value_name = "SECONDS")]
    max_event_age: Option<u64>,
}

/// The result of the check.
#[derive(Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Checked<'e> {
    Accepted {
        event_id: &'e str,
        /// The signed event, byte for byte.
        event: &'e RawValue,
        at: String,
        max_event_age_s: Option<u64>,
    },
    Refused(Reason),
    /// The function answers 503 and holds the event.
    Held(Reason),
}

#[derive(Serialize)]
struct Reason {
    /// As in the function's log.
    reason: &'static str,
    message: String,
    advice: String,
    at: String,
    max_event_age_s: Option<u64>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    if input::is_stdin(&arguments.token_file) && input::is_stdin(&arguments.body_file) {
        bail!("the token file and the body file cannot both be stdin: put one of them into a file");
    }
    let token = input::read(&arguments.token_file)?;
    let stack = context.stack().await?;
    let given = arguments.max_event_age.map(Duration::from_secs);
    let capture = Capture {
        authorization: capture::authorization(&token, &input::name(&arguments.token_file))?,
        body: input::read(&arguments.body_file)?,
        max_event_age: given.or(stack.max_event_age()),
        at: arguments.at.unwrap_or_else(SystemTime::now),
    };
    let ring = context.ring().await?;
    let at = moment::written(OffsetDateTime::from(capture.at));
    let max_event_age_s = capture.max_event_age.map(|limit| limit.as_secs());
    match capture.check(&ring) {
        Ok(event) => accepted(context, &event, at, max_event_age_s),
        Err(rejection) => refused(context, rejection, &capture, &ring, at, max_event_age_s),
    }
}

fn accepted(
    context: &Context,
    event: &VerifiedEvent,
    at: String,
    max_event_age_s: Option<u64>,
) -> Result<Verdict> {
    let checked = Checked::Accepted {
        event_id: event.event_id(),
        event: serde_json::from_str(event.payload())?,
        at,
        max_event_age_s,
    };
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(event.payload())?;
    context.format().result(&checked, || {
        let mut table = output::table(&["accepted", ""]);
        table.add_row(["event_id", event.event_id()]);
        for (name, value) in &members {
            let name = serde_json::Value::from(name.as_str()).to_string();
            table.add_row([plain(&name), plain(value.get())]);
        }
        table.to_string()
    })?;
    Ok(Verdict::Good)
}

/// A JSON value as text, without control characters, which a terminal would obey. A string of printable
/// ASCII is shown without its quotes.
fn plain(json: &str) -> String {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_plain =
        |text: &&str| !text.contains('\\') && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    match inner.filter(is_plain) {
        Some(inner) => inner.to_owned(),
        None => output::plain(json),
    }
}

fn refused(
    context: &Context,
    rejection: Rejection,
    capture: &Capture,
    ring: &KeyRing,
    at: String,
    max_event_age_s: Option<u64>,
) -> Result<Verdict> {
    let reason = |message, advice| Reason {
        reason: rejection.reason(),
        message,
        advice,
        at,
        max_event_age_s,
    };
    let (verdict, checked, told) = match rejection {
        Rejection::Refused(refusal) => {
            let advice = advice::advice(refusal, &capture.body, ring);
            let told = format!("{refusal}\n{advice}");
            ("refused", Checked::Refused(reason(refusal.to_string(), advice)), told)
        }
        Rejection::Held(_) | Rejection::Lost(_) | Rejection::Failed(_) => {
            let (message, advice) = advice::DISABLED_ENTRY;
            let told = format!("{message}\n{advice}");
            ("held", Checked::Held(reason(message.to_owned(), advice.to_owned())), told)
        }
    };
    context.format().result(&checked, || format!("{verdict}: {}: {told}", rejection.reason()))?;
    Ok(Verdict::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_has_no_control_characters() {
        for (json, shown) in [
            (r#""UUhbHm6C""#, "UUhbHm6C"),
            (r#""a\u001b[2J""#, r#""a\u001b[2J""#),
            ("\"a\u{9b}2J\"", "\"a 2J\""),
            ("1.0", "1.0"),
            ("\"\u{e9}\"", "\"\u{e9}\""),
            ("[1,\n2]", "[1, 2]"),
        ] {
            assert_eq!(plain(json), shown);
        }
    }
}
