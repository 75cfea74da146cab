//! Finds media whose events never reached the queue. JW neither reports nor repeats an event that it could
//! not deliver, so missing events can only be found by comparing JW's media with the function's log.

mod evidence;
mod expected;
mod reading;
mod report;

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use time::{Duration, OffsetDateTime};

use self::evidence::Evidence;
use self::expected::{Caller, Expected, Times};
use self::report::{Finding, Report};
use crate::context::Context;
use crate::held::Held;
use crate::jw::webhook::parse_id;
use crate::moment;
use crate::output::{note, plain};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Find media whose events never reached the queue

Lists the media that were created since --since, for each webhook that calls this stack and each of its \
sites. Works out which of the events media_created, conversions_complete and media_available each medium \
must have caused by now, and looks for them in the function's log. After an outage, run jwhook doctor, \
then jwhook recover, then jwhook missed.

REASON is \"undelivered\" (the log has the whole event, and jwhook recover sends it; an event stays \
listed after its recovery, because the log does not show recoveries), \"stale\" (the function refused \
the event because of its age) or \"no trace\" (JW did not send the event, or the function could not \
verify it). An event without a trace may be a held event or a refused request, so the command counts \
both kinds.

The command changes nothing. It does not put missing events into the queue, because JW did not sign \
them. It prints the ids of the media, so that you can ask JW's API for each medium.

It is unknown whether JW had to send some events. These events are listed, but do not change the exit \
code. Most are media_available events of media whose publish start is later than their creation: JW does \
not send media_available if the publish start was in the future when the medium became ready. Events are \
pending if their medium is younger than --settle. conversions_complete and media_available are also \
pending if the medium was changed within that time. The command checks only events that a webhook \
subscribes to now, and only media that are not older than the webhook. After a rotation the webhook is \
new, so older media are counted but not checked. Updates, deletions, thumbnails, tracks and Live \
Channels are not checked, because JW's API does not show which events they caused.

JW accepts 60 requests a minute, returns 100 media for each request, and lists only the newest 10,000 \
media of a site. The command says what it could not check, for example if the log's retention is shorter \
than --since.

Exit code: 0 if nothing is missing, 1 if something is missing or could not be checked.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook missed --since 2h
  jwhook missed --since 2026-11-23T20:00:00Z --site jsPxIVHl --output json")]
pub struct Arguments {
    /// Check media that were created since this time (RFC 3339), or within this age (90m, 2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = moment::parse_past, default_value = "24h")]
    since: SystemTime,
    /// Check only these sites (JW's properties): --site A --site B, or --site A,B
    #[arg(long = "site", value_name = "SITE_ID", value_delimiter = ',', value_parser = parse_id)]
    sites: Vec<String>,
    /// How long an event may take: a number of seconds, or like 15m. Events of younger media are pending
    #[arg(long, value_name = "TIME", value_parser = moment::parse_length, default_value = "15m")]
    settle: Duration,
    /// The function's log group (default: the stack's output)
    #[arg(long, value_name = "NAME")]
    log_group: Option<String>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let stack = context.stack().await?;
    let log_group = arguments.log_group.as_deref().or(stack.log_group());
    let log_group =
        log_group.context("give --stack NAME (or JWHOOK_STACK), or --log-group NAME")?;
    let times = Times { now: OffsetDateTime::now_utc(), settle: arguments.settle };
    let since = OffsetDateTime::from(arguments.since);
    if since > times.now {
        bail!("--since {} is in the future", moment::written(since));
    }
    let callers = callers(context).await?;
    let sites = chosen(&arguments.sites, &callers)?;

    let held = Held::count(&context.sdk, stack).await.unwrap_or_else(|error| {
        note(&format!("cannot count the held events: {error:#}"));
        Held::default()
    });
    let mut report = Report::new(since, times.now, &held);
    limit_to_log(context, log_group, &mut report).await;
    let media = reading::media(context.jw().await?, sites, &mut report).await?;
    // the log after the media, so that the log has the events of the newest media
    let evidence = Evidence::read(&context.sdk, log_group, report.since).await?;
    for (site_id, medium) in &media {
        report.older_than_webhooks +=
            usize::from(expected::predates_webhooks(medium, site_id, &callers));
        for (event, expected) in expected::events(medium, site_id, &callers, times) {
            let found = |reason| Finding::new(event, site_id, medium, reason);
            match expected {
                _ if evidence.has_arrived(event, &medium.id) => report.arrived += 1,
                Expected::Sent => {
                    report.missing.push(found(evidence.reason(event, &medium.id)));
                }
                Expected::Pending => report.pending.push(found("pending")),
                Expected::Unknown(why) => report.unknown.push(found(why)),
            }
        }
    }
    report.add_log(evidence);
    if report.older_than_webhooks > 0 {
        note(&format!(
            "{} media are older than every webhook of their site (a rotation creates a new webhook, for \
             example), so they are not checked",
            report.older_than_webhooks
        ));
    }
    report.note_incomplete();
    context.format().result(&report, || report.text())?;
    Ok(report.verdict())
}

/// The webhooks that call this stack.
async fn callers(context: &Context) -> Result<Vec<Caller>> {
    let url = &context.stack().await?.endpoint()?;
    let webhooks = context.jw().await?.list().await?;
    let callers = webhooks.iter().filter(|webhook| webhook.calls(url)).map(Caller::of);
    let callers: Vec<Caller> = callers.collect();
    if callers.is_empty() {
        bail!("no webhook calls {url}, so no event can be missing; jwhook list shows the webhooks");
    }
    for caller in callers.iter().filter(|caller| caller.created.is_none()) {
        note(&format!(
            "JW does not say when webhook {} was created, so events that only this webhook sends \
             are listed as unknown",
            plain(&caller.id)
        ));
    }
    Ok(callers)
}

/// The sites to check: those in the arguments, else all sites of the webhooks.
fn chosen(asked: &[String], callers: &[Caller]) -> Result<BTreeSet<String>> {
    let covered: BTreeSet<&String> = callers.iter().flat_map(|caller| &caller.sites).collect();
    if covered.is_empty() {
        bail!(
            "the webhooks that call this stack have no sites, so the webhooks send nothing: give \
             them sites with jwhook update ID --site SITE_ID"
        );
    }
    if let Some(other) = asked.iter().find(|site| !covered.contains(site)) {
        let covered: Vec<String> = covered.into_iter().map(|site| plain(site)).collect();
        bail!(
            "no webhook that calls this stack sends events of site {other}: give --site with one of {}",
            covered.join(", ")
        );
    }
    let all = || covered.into_iter().cloned().collect();
    Ok(if asked.is_empty() { all() } else { asked.iter().cloned().collect() })
}

/// If the log group does not keep lines for the whole window, moves the start of the window to the
/// oldest line.
async fn limit_to_log(context: &Context, log_group: &str, report: &mut Report) {
    match evidence::retention(&context.sdk, log_group).await {
        Ok(None) => {}
        Ok(Some(kept)) => {
            let oldest = report.until - kept;
            if report.since < oldest {
                report.incomplete.push(format!(
                    "the retention of log group {log_group} is {} d, so media that were created before {} \
                     are not checked",
                    kept.whole_days(),
                    moment::written(oldest)
                ));
                report.since = oldest;
            }
        }
        Err(error) => note(&format!(
            "{error:#}. The log's retention is unknown, so events older than the log are listed as \
             having no trace"
        )),
    }
}
