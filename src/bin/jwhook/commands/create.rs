//! Creates a webhook that calls the stack, and stores its secret in the key ring.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::arguments::{free_text, some_free_text, some_text};
use crate::context::Context;
use crate::creation;
use crate::difference::{between, merged};
use crate::interrupt;
use crate::jw::Metadata;
use crate::jw::webhook::Webhook;
use crate::keys::{KeyStatus, Keys, UnownedKey};
use crate::output::note;
use crate::parked::{self, Parking, Purpose};
use crate::settling::Settling;
use crate::stack::Kind;
use crate::standing::{Standing, named};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Create a webhook that calls the stack, and store its secret in the key ring

JW shows a webhook's secret only once, in the response to its creation. jwhook stores the secret in the \
key ring in Secrets Manager and shows it nowhere. If the secret cannot be stored, jwhook deletes the \
webhook again.

At first the webhook is parked: it calls a URL where nobody listens. jwhook activates the webhook once \
its key is stored and every warm function accepts the key (--settle). If the command is interrupted, run \
it again to continue.";

const EXAMPLES: &str = "\
Example:
  jwhook create --name Newsroom --event media_available,media_updated --site jsPxIVHl

JW's events: channel_active, channel_created, channel_idle, conversions_complete, media_available, \
media_created, media_deleted, media_reuploaded, media_updated, and others that JW may add. The function \
forwards every event.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The webhook's name
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = some_free_text::<Self>)]
    name: String,
    /// The events to subscribe to. Separate events with commas, or repeat the option
    #[arg(long = "event", value_name = "EVENT", required = true, value_delimiter = ',', value_parser = some_text)]
    events: Vec<String>,
    /// The ids of the sites (JW's properties) whose events the webhook sends. Separate ids with commas,
    /// or repeat the option
    #[arg(long = "site", value_name = "SITE_ID", required = true, value_delimiter = ',', value_parser = some_text)]
    sites: Vec<String>,
    /// The webhook's description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = free_text::<Self>)]
    description: Option<String>,
    /// Which of the stack's two URLs the webhook calls, if the stack has Endpoint=Both
    #[arg(long, value_name = "ENDPOINT")]
    to: Option<Kind>,
    #[command(flatten)]
    settling: Settling,
    #[command(flatten)]
    parking: Parking,
}

/// Makes a list for JW's metadata. Leaves out duplicates.
pub fn list(texts: &[String]) -> serde_json::Value {
    let is_first = |(index, text): &(usize, &String)| !texts[..*index].contains(text);
    texts.iter().enumerate().filter(is_first).map(|(_, text)| text.as_str()).collect()
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let stack = context.stack().await?;
    let endpoint = &stack.https_endpoint()?;
    let url = arguments.to.map_or(Ok(endpoint.url()), |kind| stack.webhook_url(kind))?;
    let parked_at = arguments.parking.url(Purpose::New)?;
    let mut metadata = Metadata::new();
    metadata.insert("name".into(), json!(arguments.name));
    metadata.insert("webhook_url".into(), json!(url));
    metadata.insert("events".into(), list(&arguments.events));
    metadata.insert("site_ids".into(), list(&arguments.sites));
    if let Some(description) = &arguments.description {
        metadata.insert("description".into(), json!(description));
    }
    let keys = context.keys().await?.read_to_change().await?;
    let webhooks = context.jw().await?.list().await?;
    let same_name = || webhooks.iter().filter(|one| one.name() == Some(&arguments.name));
    let parked = parked(&keys, same_name().filter(|one| parked::is_new(one)))?;
    let mut unowned = UnownedKey::Kept;
    if let Some(parked) = parked {
        for change in between(&parked.metadata, &metadata) {
            note(&format!("  {change}"));
        }
        context.answers().confirm(&format!(
            "Webhook {} is parked, and its key is in the ring: a jwhook create was interrupted, or is \
             still running. Continue with this webhook?",
            named(parked)
        ))?;
    } else {
        if let Some(there) = same_name().find(|webhook| webhook.calls(endpoint)) {
            context.answers().confirm(&question(there, &keys))?;
        }
        if let Some(loss) = creation::loss(context, &keys, &webhooks).await? {
            context.answers().confirm(&format!("{loss} Replace the key?"))?;
            unowned = UnownedKey::Replaced;
        }
    }
    let all = async {
        let parked = match parked {
            Some(parked) => parked.clone(),
            None => creation::create_parked(context, &metadata, &parked_at, unowned).await?,
        };
        let activated = async {
            arguments.settling.wait(context).await?;
            creation::activate(context, &parked, &merged(&parked.metadata, &metadata)).await
        };
        activated.await.with_context(|| creation::parked_context(&parked.id))
    };
    let webhook = tokio::select! {
        biased;
        created = all => created?,
        () = interrupt::requested() => bail!("interrupted; run the same command again to continue"),
    };
    let result = Standing {
        webhook: &webhook,
        key: Some(KeyStatus::InRing),
        calls_this_stack: Some(webhook.calls(endpoint)),
    };
    context.format().result(&result, || {
        format!("webhook {} is created, and its key is in the ring", named(&webhook))
    })?;
    Ok(Verdict::Good)
}

/// Returns the parked webhook of this name whose key is in the ring. Does not use a parked webhook
/// without a key, because another run may be about to store that key.
fn parked<'w>(
    keys: &Keys,
    candidates: impl Iterator<Item = &'w Webhook>,
) -> Result<Option<&'w Webhook>> {
    let (with_key, without): (Vec<&Webhook>, Vec<&Webhook>) =
        candidates.partition(|webhook| keys.status(&webhook.id) == KeyStatus::InRing);
    for webhook in without {
        note(&format!(
            "webhook {} is parked, and its key is not in the ring: another jwhook create may be \
             about to store the key. If no other jwhook create is running, delete the webhook with \
             jwhook delete {}",
            named(webhook),
            webhook.id
        ));
    }
    match with_key.as_slice() {
        [] => Ok(None),
        [webhook] => Ok(Some(webhook)),
        several => {
            let ids: Vec<&str> = several.iter().map(|webhook| webhook.id.as_str()).collect();
            bail!(
                "webhooks {} all have this name and are parked: keep one, delete the others with jwhook \
                 delete, then try again",
                ids.join(", ")
            )
        }
    }
}

/// The question before a second webhook of this name is created, because the command may have been
/// repeated by mistake.
fn question(there: &Webhook, keys: &Keys) -> String {
    let id = &there.id;
    let consequence = match keys.status(id) {
        KeyStatus::Missing => format!(
            "its key is not in the ring, so the function refuses its events (if a jwhook create \
             was interrupted, run jwhook delete {id})"
        ),
        _ => "each event would be sent twice".to_owned(),
    };
    format!(
        "Webhook {} already calls this stack: {consequence}. Create another webhook?",
        named(there)
    )
}
