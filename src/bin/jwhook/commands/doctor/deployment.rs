//! Checks the stack and its endpoint.

use anyhow::Result;
use reqwest::Url;

use super::report::Report;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::stack::Stack;

/// Returns the stack. If the stack cannot be read, returns only the parts that the options name.
pub async fn check(report: &mut Report, context: &Context, has_credentials: bool) -> Result<Stack> {
    let options = &context.options;
    let Some(name) = &options.stack else {
        let given = [
            options.webhook_url.is_some(),
            options.queue_url.is_some(),
            options.secret_id.is_some(),
        ];
        if given.contains(&true) {
            report.skip(
                "stack",
                "no stack is named, so only the parts that the options name are checked",
                None,
            )?;
        } else {
            report.fail("stack", "no stack is named", "give --stack NAME, or set JWHOOK_STACK")?;
        }
        return Ok(Stack::given(options));
    };
    if !has_credentials {
        report.skip("stack", "there are no AWS credentials", None)?;
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
            report.warn("stack", detail, "a deployment is running: check again when it has ended")?
        }
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => report.warn(
            "stack",
            detail,
            "the last deployment failed and was rolled back, so the previous version runs: read the \
             stack's events",
        )?,
        _ => report.fail("stack", detail, "read the stack's events, then deploy the stack again")?,
    }
    Ok(stack)
}

pub fn endpoint(report: &mut Report, stack: &Stack) -> Result<Option<Endpoint>> {
    let endpoint = match stack.endpoint() {
        Ok(endpoint) => endpoint,
        Err(missing) => {
            report.skip("endpoint", format!("unknown: {missing}"), None)?;
            return Ok(None);
        }
    };
    let url = endpoint.url();
    if Url::parse(url).is_ok_and(|url| url.scheme() == "https") {
        report.ok("endpoint", url)?;
    } else {
        report.fail(
            "endpoint",
            url,
            "JW calls only HTTPS URLs: give the stack an HTTPS endpoint",
        )?;
    }
    Ok(Some(endpoint))
}
