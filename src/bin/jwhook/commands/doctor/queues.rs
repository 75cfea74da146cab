//! Checks the queue and its dead-letter queue.

use std::collections::HashMap;

use anyhow::Result;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::report::Report;
use crate::aws;
use crate::context::Context;
use crate::stack::Stack;

type Attributes = HashMap<QueueAttributeName, String>;

pub async fn check(
    report: &mut Report,
    context: &Context,
    stack: &Stack,
    has_credentials: bool,
) -> Result<()> {
    let client = Client::new(&context.sdk);
    let queue = match stack.queue_url() {
        Err(missing) => {
            report.skip("queue", format!("unknown: {missing}"), None)?;
            None
        }
        Ok(_) if !has_credentials => {
            report.skip("queue", "there are no AWS credentials", None)?;
            None
        }
        Ok(url) => match attributes(&client, url).await {
            Ok(attributes) => {
                report.ok("queue", format!("{}, {url}", waiting(&attributes)))?;
                Some(attributes)
            }
            Err(error) => {
                report.error("queue", &error)?;
                None
            }
        },
    };
    if !has_credentials {
        return report.skip("dead_letter", "there are no AWS credentials", None);
    }
    match dead_letter_queue(&client, stack, queue.as_ref()).await {
        Ok(Some(url)) => dead_letters(report, &client, &url).await,
        Ok(None) if queue.is_some() => report.warn(
            "dead_letter",
            "the queue has no dead-letter queue",
            "if a consumer always fails on an event, SQS delivers the event again and again until \
             the event expires: give the queue a redrive policy",
        ),
        Ok(None) => report.skip(
            "dead_letter",
            "the queue was not read, so its dead-letter queue is unknown",
            None,
        ),
        Err(error) => report.error("dead_letter", &error),
    }
}

async fn dead_letters(report: &mut Report, client: &Client, url: &str) -> Result<()> {
    let attributes = match attributes(client, url).await {
        Ok(attributes) => attributes,
        Err(error) => return report.error("dead_letter", &error),
    };
    if number(&attributes, QueueAttributeName::ApproximateNumberOfMessages) == 0
        && number(&attributes, QueueAttributeName::ApproximateNumberOfMessagesNotVisible) == 0
    {
        return report.ok("dead_letter", format!("empty, {url}"));
    }
    let arn = attributes.get(&QueueAttributeName::QueueArn).map_or("ARN", String::as_str);
    report.fail(
        "dead_letter",
        format!("{}; consumers failed on these messages, {url}", waiting(&attributes)),
        format!(
            "repair the consumer, then move the messages back to the queue: aws sqs \
             start-message-move-task --source-arn {arn}"
        ),
    )
}

async fn dead_letter_queue(
    client: &Client,
    stack: &Stack,
    queue: Option<&Attributes>,
) -> Result<Option<String>> {
    if let Some(url) = stack.dead_letter_queue_url() {
        return Ok(Some(url.to_owned()));
    }
    let policy = queue.and_then(|queue| queue.get(&QueueAttributeName::RedrivePolicy));
    let policy: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // arn:aws:sqs:eu-west-1:123456789012:name
    let arn: Vec<&str> =
        policy["deadLetterTargetArn"].as_str().unwrap_or_default().split(':').collect();
    let [.., account, name] = arn.as_slice() else { return Ok(None) };
    let call = client.get_queue_url().queue_name(*name).queue_owner_aws_account_id(*account);
    let answer = call.send().await;
    let answer =
        answer.map_err(|error| aws::failed("sqs:GetQueueUrl", &format!("queue {name}"), error))?;
    Ok(answer.queue_url)
}

async fn attributes(client: &Client, url: &str) -> Result<Attributes> {
    let call =
        client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let answer = call.send().await;
    let answer = answer
        .map_err(|error| aws::failed("sqs:GetQueueAttributes", &format!("queue {url}"), error))?;
    Ok(answer.attributes.unwrap_or_default())
}

fn number(attributes: &Attributes, name: QueueAttributeName) -> u64 {
    attributes.get(&name).and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn waiting(attributes: &Attributes) -> String {
    let number = |name| number(attributes, name);
    format!(
        "{} waiting, {} with consumers, {} delayed",
        number(QueueAttributeName::ApproximateNumberOfMessages),
        number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        number(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
    )
}
