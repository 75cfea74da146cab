//! Shows one webhook.

use anyhow::{Result, bail};
use clap::Args;

use crate::context::Context;
use crate::jw::webhook::parse_id;
use crate::standing::Ours;
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Show one of JW's webhooks

Also shows whether the webhook's key is in the ring and whether the webhook calls this stack, as jwhook \
list does. JSON has all members that JW returns, and \"key\" and \"calls_this_stack\". The secret is not \
shown, because JW returns it only at creation.";

#[derive(Debug, Args)]
pub struct Arguments {
    /// The webhook's id (jwhook list)
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: String,
}

pub async fn run(context: &Context, arguments: Arguments) -> Result<Verdict> {
    let id = arguments.id;
    let ours = Ours::read(context).await?;
    let Some(webhook) = context.jw().await?.find(&id).await? else {
        if ours.orphans(&[]).contains(&id) {
            bail!(
                "JW has no webhook {id}, but the ring still has its key; jwhook delete {id} removes the \
                 key"
            );
        }
        bail!("JW has no webhook {id}; jwhook list shows the webhooks");
    };
    ours.note_unknown();
    let standing = ours.standing(&webhook);
    standing.note_refused();
    context.format().result(&standing, || standing.text())?;
    Ok(Verdict::Good)
}
