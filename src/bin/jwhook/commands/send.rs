//! The smoke test after a deployment: an event as JW would send it, through the real endpoint.

mod answer;
mod post;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use jw_webhook_forwarder::key_ring::{Key, KeyRing, is_webhook_id};
use jw_webhook_forwarder::rejection::Rejection;
use jw_webhook_forwarder::token;
use reqwest::Url;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use self::answer::Sent;
use crate::commands::verify::capture::Capture;
use crate::context::Context;
use crate::verdict::Verdict;
use crate::{input, keys, moment};

/// Ids that have the form of JW's and are nobody's.
const SAMPLE_ID: &str = "jwhook00";

pub const LONG_ABOUT: &str = "\
Sign an event with the stack's key and post it

The smoke test after a deployment: what JW would send, through the real endpoint. Shows the \
answer; exit code 0 means that the event is in the queue, 1 that it was answered otherwise, 2 \
that it couldn't be sent.

The sample is a real event for your consumers: it goes through the queue to them. Its media_id \
(or channel_id) and its site_id are jwhook00, which nothing of JW's has, and its event_time is \
now.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook send --stack jw-webhook-forwarder-prod
  jwhook send --event channel_active --webhook 2yW4KmiG
  jwhook send --file event.json --url http://127.0.0.1:9000/")]
pub struct Arguments {
    /// The sample's event, any name; channel_* have a channel_id, all others a media_id
    #[arg(long, value_name = "EVENT", default_value = "media_available", conflicts_with = "file")]
    event: String,
    /// Post this file's bytes, a JSON object, as they are instead of a sample (-: stdin); its
    /// webhook_id says whose key signs it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Post to this URL instead of the stack's; http for this machine only
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The webhook that the sample is from, instead of the key ring's first
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    webhook: Option<String>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => {
            let endpoint = context.stack().await?.endpoint()?;
            let url = endpoint.url();
            Url::parse(url).with_context(|| format!("the endpoint {url} is no URL"))?
        }
    };
    post::allow(&url)?;
    let given = arguments.file.as_deref().map(given_event).transpose()?;
    let ring = context.ring().await?;
    let claims = match given {
        Some(claims) => claims,
        None => sample(&arguments.event, webhook_id(&ring, arguments.webhook.as_deref())?),
    };
    // serde_json's error would quote what it found
    let members: Map<String, Value> = serde_json::from_str(&claims).map_err(|problem| {
        let (line, column) = (problem.line(), problem.column());
        anyhow!("what is to be sent is no JSON object (line {line}, column {column})")
    })?;
    let key = signing_key(&ring, members.get("webhook_id"))?;
    let token = token::sign(&claims, key);

    let answer = post::post(&url, &token, &claims).await?;
    let sent = Sent::new(&url, &members, answer, &token);
    let stack = context.stack().await?;
    let capture = Capture {
        authorization: post::authorization(&token)?,
        body: claims.into_bytes(),
        max_event_age: stack.max_event_age(),
        at: SystemTime::now(),
    };
    let refusal = match capture.check(&ring) {
        Err(Rejection::Refused(refusal)) => Some(refusal),
        _ => None,
    };
    let sent = sent.advised(stack.log_group(), refusal);
    context.format().result(&sent, || sent.text())?;
    Ok(sent.verdict())
}

fn given_event(file: &Path) -> Result<String> {
    let bytes = input::read(file)?;
    String::from_utf8(bytes).ok().with_context(|| {
        format!("{} isn't UTF-8, so it is no JSON that JW could send", input::name(file))
    })
}

fn sample(event: &str, webhook_id: &str) -> String {
    let subject = if event.starts_with("channel_") { "channel_id" } else { "media_id" };
    json!({
        "event": event,
        subject: SAMPLE_ID,
        "webhook_id": webhook_id,
        "site_id": SAMPLE_ID,
        "event_time": moment::written(OffsetDateTime::now_utc()),
    })
    .to_string()
}

/// Whose event the sample is.
fn webhook_id<'r>(ring: &'r KeyRing, given: Option<&'r str>) -> Result<&'r str> {
    match (given, ring) {
        (Some(id), _) => Ok(id),
        (None, KeyRing::Single(_)) => Ok(SAMPLE_ID),
        (None, KeyRing::ByWebhook { keys, .. }) => {
            let webhooks = keys.keys().map(String::as_str).filter(|id| is_webhook_id(id));
            webhooks.min().context("the key ring has no webhook yet: make one, with jwhook create")
        }
    }
}

fn signing_key<'r>(ring: &'r KeyRing, webhook_id: Option<&Value>) -> Result<&'r Key> {
    let by_webhook = match ring {
        KeyRing::Single(key) => return Ok(key),
        KeyRing::ByWebhook { keys, .. } => keys,
    };
    let has = keys::named(by_webhook.keys().map(String::as_str));
    let Some(id) = webhook_id.and_then(Value::as_str) else {
        bail!("the event has no webhook_id, which says whose key signs it; the ring has {has}");
    };
    by_webhook.get(id).with_context(|| {
        format!("the key ring has no usable key of webhook {id:?}; it has {has} (jwhook doctor)")
    })
}
