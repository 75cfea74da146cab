//! A new webhook at the stack's endpoint, its secret straight into the key ring.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::creation;
use crate::jw::Metadata;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, Keys};
use crate::standing::{Standing, named};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Create a webhook at the stack's endpoint, its secret straight into the key ring

JW shows a webhook's secret once, in the answer that creates it. It goes from there into the key ring \
in Secrets Manager, and is shown nowhere. If it can't be stored, the webhook is deleted again, as its \
events would all be refused.";

const EXAMPLES: &str = "\
Example:
  jwhook create --name Newsroom --event media_available,media_updated --site jsPxIVHl

JW's events: channel_active, channel_created, channel_idle, conversions_complete, media_available, \
media_created, media_deleted, media_reuploaded, media_updated, and others that JW adds or your account \
has. The function forwards any.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The webhook's name
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    name: String,
    /// An event that it is sent for; several with commas, or the option again
    #[arg(long = "event", value_name = "EVENT", required = true, value_delimiter = ',', value_parser = some_text)]
    events: Vec<String>,
    /// The id of a site (JW calls it a property) whose events it is sent; several as with --event
    #[arg(long = "site", value_name = "SITE_ID", required = true, value_delimiter = ',', value_parser = some_text)]
    sites: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Reads an argument that can't be empty.
pub fn some_text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// A list as JW's metadata has it: each once.
pub fn list(texts: &[String]) -> serde_json::Value {
    let is_first = |(index, text): &(usize, &String)| !texts[..*index].contains(text);
    texts.iter().enumerate().filter(is_first).map(|(_, text)| text.as_str()).collect()
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let stack = context.stack().await?;
    let endpoint = stack.endpoint()?;
    let mut metadata = Metadata::new();
    metadata.insert("name".into(), json!(arguments.name));
    metadata.insert("webhook_url".into(), json!(endpoint));
    metadata.insert("events".into(), list(&arguments.events));
    metadata.insert("site_ids".into(), list(&arguments.sites));
    if let Some(description) = &arguments.description {
        metadata.insert("description".into(), json!(description));
    }
    let keys = context.keys().await?.read_to_change().await?;
    let webhooks = context.jw().await?.list().await?;
    let same =
        |webhook: &&Webhook| webhook.name() == Some(&arguments.name) && webhook.calls(endpoint);
    if let Some(there) = webhooks.iter().find(same) {
        context.answers().confirm(&question(there, &keys))?;
    }
    if let Some(loss) = creation::loss(context, &keys, &webhooks).await? {
        context.answers().confirm(&format!("{loss} Is that right?"))?;
    }
    let webhook = creation::create_beside(context, &webhooks, &metadata).await?;
    let result = Standing {
        webhook: &webhook,
        key: Some(KeyStatus::InRing),
        calls_this_stack: Some(webhook.calls(endpoint)),
    };
    context.format().result(&result, || {
        format!(
            "webhook {} is created, and its key is in the ring. Functions that are warm have it with \
             its first event, or within {} s",
            named(&webhook),
            stack.secret_ttl().as_secs()
        )
    })?;
    Ok(Verdict::Good)
}

/// A command that is repeated by mistake makes a second webhook.
fn question(there: &Webhook, keys: &Keys) -> String {
    let id = &there.id;
    let consequence = match keys.status(id) {
        KeyStatus::Missing => format!(
            "its key isn't in the ring, so its events are refused (a create that was interrupted? \
             then jwhook delete {id})"
        ),
        _ => "each event would be sent twice".to_owned(),
    };
    format!("Webhook {} calls this stack already: {consequence}. Create another one?", named(there))
}
