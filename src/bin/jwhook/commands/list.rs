//! Lists the account's webhooks, and how each relates to this stack.

use anyhow::Result;
use serde_json::json;

use crate::context::Context;
use crate::output::{cell, note, table};
use crate::standing::{Ours, Standing};
use crate::verdict::Verdict;

pub const LONG_ABOUT: &str = "\
List JW's webhooks: which have a key in the ring, and which call this stack

Lists all webhooks of the account, including those of other applications. KEY is \"in ring\", \
\"missing\" (the function refuses the webhook's events), \"unusable\" (the function answers 503 to the \
webhook's events until somebody corrects the entry in the ring) or \"single key\" (the secret is a \
single key, which the function tries for every webhook). THIS STACK says whether the webhook calls the \
stack's endpoint. Without --stack, or --secret-id and --webhook-url, KEY and THIS STACK are \"-\".";

pub async fn run(context: &Context) -> Result<Verdict> {
    let ours = Ours::read(context).await?;
    let webhooks = context.jw().await?.list().await?;
    ours.note_unknown();
    for id in ours.orphans(&webhooks) {
        note(&format!(
            "the ring has a key for webhook {id}, but JW has no such webhook: run jwhook doctor"
        ));
    }
    let standings: Vec<Standing> = webhooks.iter().map(|webhook| ours.standing(webhook)).collect();
    context.format().result(&json!({ "webhooks": standings }), || text(&standings))?;
    Ok(Verdict::Good)
}

fn text(standings: &[Standing]) -> String {
    if standings.is_empty() {
        return "JW has no webhooks in this account".to_owned();
    }
    let mut table = table(&["ID", "NAME", "KEY", "THIS STACK", "EVENTS", "SITES", "CREATED"]);
    for standing in standings {
        let webhook = standing.webhook;
        let day = webhook.created().and_then(|created| created.get(..10));
        table.add_row([
            cell(if webhook.id.is_empty() { "-" } else { &webhook.id }),
            cell(webhook.name().unwrap_or("-")),
            standing.key_text(),
            standing.this_stack_text().to_owned(),
            cell(&webhook.events().join(", ")),
            cell(&webhook.site_ids().join(", ")),
            cell(day.unwrap_or("-")),
        ]);
    }
    table.trim_fmt()
}
