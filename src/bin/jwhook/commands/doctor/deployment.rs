//! The stack, and the endpoint that it has.

use anyhow::Result;
use reqwest::Url;

use super::report::Report;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::stack::Stack;

/// The stack, or as much as the options give of one.
pub async fn check(report: &mut Report, context: &Context, has_credentials: bool) -> Result<Stack> {
    let options = &context.options;
    let Some(name) = &options.stack else {
        let given = [
            options.webhook_url.is_some(),
            options.queue_url.is_some(),
            options.secret_id.is_some(),
        ];
        if given.contains(&true) {
            report.skip("stack", "none is named; what is given by itself is checked", None)?;
        } else {
            report.fail("stack", "none is named", "give --stack NAME, or set JWHOOK_STACK")?;
        }
        return Ok(Stack::given(options));
    };
    if !has_credentials {
        report.skip("stack", "there are no credentials to ask for it with", None)?;
        return Ok(Stack::given(options));
    }
    let stack = match Stack::find(options, &context.sdk).await {
        Ok(stack) => stack,
        Err(error) => {
            report.error("stack", &error)?;
            return Ok(Stack::given(options));
        }
    };
    let status = stack.status().unwrap_or("none");
    let detail = format!("{name} is {status}");
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => report.ok("stack", detail)?,
        _ if status.ends_with("_IN_PROGRESS") => {
            report.warn("stack", detail, "a deployment is under way: look again when it is over")?
        }
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => report.warn(
            "stack",
            detail,
            "the last deployment failed and was undone, so the version before it runs: see the \
             stack's events",
        )?,
        _ => report.fail("stack", detail, "see the stack's events, and deploy it again")?,
    }
    Ok(stack)
}

/// The URL that JW calls.
pub fn endpoint(report: &mut Report, stack: &Stack) -> Result<Option<Endpoint>> {
    let endpoint = match stack.endpoint() {
        Ok(endpoint) => endpoint,
        Err(missing) => {
            report.skip("endpoint", format!("not known: {missing}"), None)?;
            return Ok(None);
        }
    };
    let url = endpoint.url();
    if Url::parse(url).is_ok_and(|url| url.scheme() == "https") {
        report.ok("endpoint", url)?;
    } else {
        report.fail("endpoint", url, "JW calls nothing but an https URL")?;
    }
    Ok(Some(endpoint))
}
