//! Changes a webhook. The request sends the webhook's whole metadata, because JW documents no partial
//! update.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::create::list;
use crate::arguments::{free_text, some_free_text, some_text};
use crate::context::Context;
use crate::difference::{between, merged};
use crate::jw::Metadata;
use crate::jw::webhook::parse_id;
use crate::keys::KeyStatus;
use crate::output::note;
use crate::settling::Settling;
use crate::stack::Kind;
use crate::standing::{Ours, Standing, named};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Change a webhook's name, description, events or sites

A member whose option is not given does not change. --event and --site replace the whole list. The \
webhook's secret does not change.";

const EXAMPLES: &str = "\
Examples:
  jwhook update c0Y6ebVU --event media_available,media_updated,media_deleted
  jwhook update c0Y6ebVU --name Newsroom --to-this-stack";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The webhook's id (jwhook list)
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
    /// The new name
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = some_free_text::<Self>)]
    name: Option<String>,
    /// The new description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = free_text::<Self>)]
    description: Option<String>,
    /// All events to subscribe to. Separate events with commas, or repeat the option
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',', value_parser = some_text)]
    events: Vec<String>,
    /// The ids of all sites whose events the webhook sends. Separate ids with commas, or repeat the option
    #[arg(long = "site", value_name = "SITE_ID", value_delimiter = ',', value_parser = some_text)]
    sites: Vec<String>,
    /// Make the webhook call the stack's endpoint
    #[arg(long)]
    to_this_stack: bool,
    /// Make the webhook call this one of the stack's two URLs, if the stack has Endpoint=Both
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "to_this_stack")]
    to: Option<Kind>,
    #[command(flatten)]
    settling: Settling,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let id = arguments.id.as_str();
    let wanted = wanted(context, &arguments).await?;
    if wanted.is_empty() {
        bail!(
            "there is nothing to change: give --name, --description, --event, --site, --to-this-stack \
             or --to"
        );
    }
    let ours = Ours::read(context).await?;
    let jw = context.jw().await?;
    let Some(webhook) = jw.find(id).await? else {
        bail!("JW has no webhook {id}; jwhook list shows the webhooks");
    };
    let changes = between(&webhook.metadata, &wanted);
    let webhook = if changes.is_empty() {
        note(&format!("webhook {} already has these values: nothing was changed", named(&webhook)));
        webhook
    } else {
        ask_if_refused(context, &ours.standing(&webhook), &wanted)?;
        let has_key = ours.standing(&webhook).key == Some(KeyStatus::InRing);
        let mut metadata = webhook.metadata;
        if has_key && changes.iter().any(|change| change.member == "webhook_url") {
            // the key may have been stored a moment ago
            arguments.settling.wait(context).await?;
            let Some(now) = jw.find(id).await? else {
                bail!("somebody deleted webhook {id} meanwhile")
            };
            metadata = now.metadata;
        }
        let updated = jw.update(id, &merged(&metadata, &wanted)).await?;
        note(&format!("webhook {} is changed:", named(&updated)));
        changes.iter().for_each(|change| note(&format!("  {change}")));
        updated
    };
    let standing = ours.standing(&webhook);
    standing.note_refused();
    context.format().result(&standing, || standing.text())?;
    Ok(Verdict::Good)
}

/// Asks before a webhook without a usable key is moved to this stack: its events would be lost.
fn ask_if_refused(context: &Context, standing: &Standing, wanted: &Metadata) -> Result<()> {
    if standing.has_no_key()
        && standing.calls_this_stack == Some(false)
        && wanted.contains_key("webhook_url")
    {
        context.answers().confirm(&format!(
            "The ring has no usable key for webhook {}, so this stack accepts none of its events. \
             Make the webhook call this stack all the same?",
            named(standing.webhook)
        ))?;
    }
    Ok(())
}

async fn wanted(context: &Context, arguments: &Arguments) -> Result<Metadata> {
    let mut wanted = Metadata::new();
    if let Some(name) = &arguments.name {
        wanted.insert("name".into(), json!(name));
    }
    if let Some(description) = &arguments.description {
        wanted.insert("description".into(), json!(description));
    }
    if !arguments.events.is_empty() {
        wanted.insert("events".into(), list(&arguments.events));
    }
    if !arguments.sites.is_empty() {
        wanted.insert("site_ids".into(), list(&arguments.sites));
    }
    if arguments.to_this_stack {
        wanted.insert("webhook_url".into(), json!(context.stack().await?.https_endpoint()?.url()));
    }
    if let Some(kind) = arguments.to {
        wanted.insert("webhook_url".into(), json!(context.stack().await?.webhook_url(kind)?));
    }
    Ok(wanted)
}
