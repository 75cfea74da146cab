//! What to do about a message that SQS rejects.

use std::borrow::Cow;

use aws_sdk_sqs::Client;

use crate::attempt::Fault;
use crate::queue_url::QueueUrl;

/// The caller of SQS, as the advice names it.
pub(super) struct Sender {
    name: &'static str,
    identity: &'static str,
}

pub(super) const FUNCTION: Sender =
    Sender { name: "the function", identity: "the function's role" };

#[cfg(feature = "cli")]
pub(super) const OPERATOR: Sender =
    Sender { name: "this command", identity: "the identity of your AWS credentials" };

/// The most likely cause of the fault, and what to do about it.
pub(super) fn advice(
    client: &Client,
    queue: &QueueUrl,
    sender: &Sender,
    group_id: Option<&str>,
    fault: &Fault,
) -> Cow<'static, str> {
    let Sender { name, identity } = sender;
    let called = client.config().region().map(AsRef::as_ref);
    if let (Some(region), Some(called)) = (queue.region(), called)
        && region != called
    {
        return format!(
            "the queue is in {region}, and {name} calls SQS in {called}: use a queue in {called}"
        )
        .into();
    }
    let is_parameter_rejected =
        fault.code().is_some_and(|code| code.starts_with("InvalidParameter"));
    if is_parameter_rejected && group_id.is_some() && !queue.is_fifo() {
        return "SQS probably rejects the message group id, which the function sends to a standard \
                queue for fair queues: use a FIFO queue, or a region where SQS supports fair queues"
            .into();
    }
    format!(
        "check that the queue exists, that {identity} has sqs:SendMessage on the \
         queue, and, if the queue has a KMS key, kms:GenerateDataKey and kms:Decrypt on the key"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::config::{BehaviorVersion, Config, Region};

    use super::*;

    /// The advice for a function in eu-west-1 about this error code and queue.
    fn about(code: &str, host: &str, name: &str, group_id: Option<&str>) -> String {
        let config = Config::builder().behavior_version(BehaviorVersion::latest());
        let client = Client::from_conf(config.region(Region::from_static("eu-west-1")).build());
        let queue = QueueUrl::parse(&format!("https://{host}/123456789012/{name}")).unwrap();
        advice(&client, &queue, &FUNCTION, group_id, &Fault::refused(code)).into_owned()
    }

    const OWN: &str = "sqs.eu-west-1.amazonaws.com";

    #[test]
    fn queue_in_another_region_is_named_with_both_regions() {
        for host in ["sqs.us-east-1.amazonaws.com", "us-east-1.queue.amazonaws.com"] {
            for code in ["AccessDenied", "QueueDoesNotExist", "InvalidParameterValue"] {
                let advice = about(code, host, "events", Some("site"));
                assert!(
                    advice.starts_with(
                        "the queue is in us-east-1, and the function calls SQS in eu-west-1"
                    ),
                    "{advice}"
                );
            }
        }
    }

    #[test]
    fn group_id_is_named_if_a_standard_queue_rejects_a_parameter() {
        for code in [
            "InvalidParameterValue",
            "InvalidParameterValueException",
            "InvalidParameterCombination",
        ] {
            let advice = about(code, OWN, "events", Some("site"));
            assert!(advice.contains("message group id"), "{code}: {advice}");
        }
    }

    #[test]
    fn other_advice_is_about_the_queue_and_its_permissions() {
        for (code, host, name, group_id) in [
            ("AccessDenied", OWN, "events", Some("site")),
            ("AccessDenied", "localhost:4566", "events", None),
            ("InvalidParameterValue", OWN, "events", None),
            ("InvalidParameterValue", OWN, "events.fifo", Some("medium")),
            ("KMS.DisabledException", OWN, "events.fifo", Some("medium")),
        ] {
            let advice = about(code, host, name, group_id);
            assert!(advice.starts_with("check that the queue exists"), "{code} {host}: {advice}");
            assert!(advice.contains("sqs:SendMessage") && advice.contains("kms:Decrypt"));
        }
    }
}
