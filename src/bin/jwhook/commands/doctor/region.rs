//! Checks that the queue and the secret are in the stack's region, because the function calls AWS only
//! there.

use anyhow::Result;
use jw_webhook_forwarder::queue_url::QueueUrl;

use super::report::Report;
use crate::context::Context;
use crate::stack::Stack;

pub fn check(report: &mut Report, context: &Context, stack: &Stack) -> Result<()> {
    // the stack is in the SDK's region, because jwhook found it there
    let (Some(region), Some(_)) = (context.sdk.region(), stack.status()) else {
        return report.skip("region", "there is no stack to compare with", None);
    };
    let region = region.as_ref();
    let queue = stack.queue_url().ok().and_then(QueueUrl::parse);
    let parts = [
        ("queue", queue.as_ref().and_then(QueueUrl::region), "--queue-url"),
        ("secret", stack.secret_id().ok().and_then(of_arn), "--secret-id, ExistingSecretArn"),
    ];
    let mut same = Vec::new();
    let mut all_ok = true;
    for (part, of_part, option) in parts {
        match of_part {
            Some(of_part) if of_part != region => {
                all_ok = false;
                report.fail(
                    "region",
                    format!("the {part} is in {of_part}, but the stack is in {region}"),
                    format!(
                        "the function calls AWS only in the stack's region: use a {part} in {region} \
                         ({option})"
                    ),
                )?;
            }
            Some(_) => same.push(part),
            None => {}
        }
    }
    match same.as_slice() {
        _ if !all_ok => Ok(()),
        [] => report.skip(
            "region",
            "neither the queue's URL nor the secret's name has a region",
            None,
        ),
        same => report.ok("region", format!("{region}: stack, {}", same.join(", "))),
    }
}

/// The region in an ARN: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`.
fn of_arn(id: &str) -> Option<&str> {
    let mut parts = id.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten()
}
