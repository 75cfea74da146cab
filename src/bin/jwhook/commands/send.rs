//! A smoke test for a deployment: sends a signed event through the real endpoint, as JW would.

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

/// An id in JW's format that JW does not use.
const SAMPLE_ID: &str = "jwhook00";

pub const LONG_ABOUT: &str = "\
Sign an event with a key of the stack, and post it to the endpoint

A smoke test for a deployment: sends what JW would send, through the real endpoint, and shows the \
response. Exit code: 0 if the event is in the queue, 1 if the response says otherwise, 2 if the event \
could not be sent.

Your consumers receive the sample like a real event. Its media_id (or channel_id) and its site_id are \
jwhook00, an id that JW does not use, and its event_time is now.";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  jwhook send --stack jw-webhook-forwarder-prod
  jwhook send --event channel_active --webhook 2yW4KmiG
  jwhook send --file event.json --url http://127.0.0.1:9000/")]
pub struct Arguments {
    /// The sample's event name; channel_* events have a channel_id, all others a media_id
    #[arg(long, value_name = "EVENT", default_value = "media_available", conflicts_with = "file")]
    event: String,
    /// Post the JSON object in this file instead of the sample (- is stdin). The webhook_id in the
    /// object selects the key
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Post to this URL (default: the stack's endpoint); http:// works only for this machine
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// The sample's webhook (default: the first webhook in the key ring)
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    webhook: Option<String>,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => {
            let endpoint = context.stack().await?.endpoint()?;
            let url = endpoint.url();
            Url::parse(url).with_context(|| format!("the endpoint {url} is not a valid URL"))?
        }
    };
    post::allow(&url)?;
    let given = arguments.file.as_deref().map(given_event).transpose()?;
    let ring = context.ring().await?;
    let claims = match given {
        Some(claims) => claims,
        None => sample(&arguments.event, webhook_id(&ring, arguments.webhook.as_deref())?),
    };
    // serde_json's error would quote the event
    let members: Map<String, Value> = serde_json::from_str(&claims).map_err(|problem| {
        let (line, column) = (problem.line(), problem.column());
        anyhow!("the event is not a JSON object (line {line}, column {column})")
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
        format!("{} is not UTF-8 text, but JW sends only JSON in UTF-8", input::name(file))
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

/// The sample's webhook.
fn webhook_id<'r>(ring: &'r KeyRing, given: Option<&'r str>) -> Result<&'r str> {
    match (given, ring) {
        (Some(id), _) => Ok(id),
        (None, KeyRing::Single(_)) => Ok(SAMPLE_ID),
        (None, KeyRing::ByWebhook { keys, .. }) => {
            let webhooks = keys.keys().map(String::as_str).filter(|id| is_webhook_id(id));
            webhooks.min().context(
                "the key ring has no key of a webhook yet: create a webhook \
                 with jwhook create",
            )
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
        bail!("the event has no webhook_id, which selects the key; the ring has keys for {has}");
    };
    by_webhook.get(id).with_context(|| {
        format!(
            "the key ring has no usable key for webhook {id:?}; the ring has keys for {has} (see \
             jwhook doctor)"
        )
    })
}
