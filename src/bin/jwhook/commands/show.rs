//! One webhook, with all that JW says of it.

use anyhow::{Result, bail};
use clap::Args;

use crate::context::Context;
use crate::jw::webhook::parse_id;
use crate::standing::Ours;
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
Show one of JW's webhooks

With what this stack has to do with it, as jwhook list says it of all. JSON has the resource as JW gives \
it, with the members \"key\" and \"calls_this_stack\". JW never shows a webhook's secret again, so it \
isn't here either.";

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
                "JW has no webhook {id}, and the ring still has its key: jwhook delete {id} takes \
                 it out"
            );
        }
        bail!("JW has no webhook {id}: jwhook list shows those that it has");
    };
    ours.note_unknown();
    let standing = ours.standing(&webhook);
    standing.note_refused();
    context.format().result(&standing, || standing.text())?;
    Ok(Verdict::Good)
}
