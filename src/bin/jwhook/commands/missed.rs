//! Finds the media whose events never reached the queue. Nobody is told of an event that JW did not
//! deliver, and JW sends none again: what is missing can only be found by comparing JW's media with
//! the function's log.

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
Find the media whose events never reached the queue

For each webhook that calls this stack and each of its sites, lists JW's media that were created \
since --since. Works out which of media_created, conversions_complete and media_available each \
medium must have caused by now, and looks for them in the function's log. After an outage, run \
jwhook doctor, then jwhook recover, then jwhook missed.

REASON is \"undelivered\" (the log has the whole event: jwhook recover sends it; the log does not \
show what was recovered, so a recovered event is still listed), \"stale\" (the function refused the \
event because of its age) or \"no trace\" (JW did not send the event, or the function could not \
verify it). Events that are held and requests that were refused may be among those without a trace, \
so both are counted.

The command changes nothing, and never makes up an event: what JW did not sign does not go into the \
queue. It prints the ids of the media, so that you can ask JW's API for each.

What it cannot tell is listed as unknown and does not change the exit code: above all \
media_available of a medium whose publish start is later than its creation, because JW sends none if \
the start was in the future when the medium became ready. Media younger than --settle are pending; \
so are the last two events of a medium that was changed within that time. Only events that a webhook \
subscribes to now are looked for, and only of media that are not older than the webhook. After a \
rotation that is the new webhook, so the older media are counted and not checked. Updates, \
deletions, thumbnails, tracks and Live Channels are not checked: nothing tells which events they \
should have caused.

JW takes 60 requests a minute and returns 100 media for each, and only the newest 10,000 media of a \
site. The command says where it could not check everything, also where the log is not kept for as \
long as --since.

Exit code: 0 if nothing is missing, 1 if something is or if not everything could be checked.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook missed --since 2h
  jwhook missed --since 2026-11-23T20:00:00Z --site jsPxIVHl --output json")]
pub struct Arguments {
    /// Check the media that were created since then: RFC 3339, or so long ago (90m, 2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = moment::parse_past, default_value = "24h")]
    since: SystemTime,
    /// Check this site only (JW calls it a property); several as --site A --site B or --site A,B
    #[arg(long = "site", value_name = "SITE_ID", value_delimiter = ',', value_parser = parse_id)]
    sites: Vec<String>,
    /// How long an event may take: seconds, or like 15m. Younger media are pending
    #[arg(long, value_name = "TIME", value_parser = moment::parse_length, default_value = "15m")]
    settle: Duration,
    /// The function's log group, instead of the stack's
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
        note(&format!("how many events are held is not known: {error:#}"));
        Held::default()
    });
    let mut report = Report::new(since, times.now, &held);
    limit_to_log(context, log_group, &mut report).await;
    let media = reading::media(context.jw().await?, sites, &mut report).await?;
    // the log is read last: it may have the events of the newest media by now
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
            "{} media are older than every webhook of their site, so they are not checked: a rotation, \
             for example, makes a new webhook",
            report.older_than_webhooks
        ));
    }
    report.tell_incomplete();
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
        bail!("no webhook calls {url}, so no event can be missing: see jwhook list");
    }
    for caller in callers.iter().filter(|caller| caller.created.is_none()) {
        note(&format!(
            "JW does not say when webhook {} was created: events that only it is sent for are unknown",
            plain(&caller.id)
        ));
    }
    Ok(callers)
}

/// The sites that are checked: those that were asked for, else all that a webhook covers.
fn chosen(asked: &[String], callers: &[Caller]) -> Result<BTreeSet<String>> {
    let covered: BTreeSet<&String> = callers.iter().flat_map(|caller| &caller.sites).collect();
    if covered.is_empty() {
        bail!(
            "the webhooks that call this stack are sent the events of no site: give them sites with \
             jwhook update ID --site SITE_ID"
        );
    }
    if let Some(other) = asked.iter().find(|site| !covered.contains(site)) {
        let covered: Vec<String> = covered.into_iter().map(|site| plain(site)).collect();
        bail!(
            "no webhook that calls this stack is sent the events of site {other}: give one of {}",
            covered.join(", ")
        );
    }
    let all = || covered.into_iter().cloned().collect();
    Ok(if asked.is_empty() { all() } else { asked.iter().cloned().collect() })
}

/// Starts the window at the oldest line that the log group keeps: earlier events leave no trace.
async fn limit_to_log(context: &Context, log_group: &str, report: &mut Report) {
    match evidence::retention(&context.sdk, log_group).await {
        Ok(None) => {}
        Ok(Some(kept)) => {
            let oldest = report.until - kept;
            if report.since < oldest {
                report.incomplete.push(format!(
                    "log group {log_group} has a retention of {} d: media that were created before {} \
                     are not checked",
                    kept.whole_days(),
                    moment::written(oldest)
                ));
                report.since = oldest;
            }
        }
        Err(error) => note(&format!(
            "{error:#}. It is not known how long the log is kept: events that are older than the log \
             have no trace"
        )),
    }
}
