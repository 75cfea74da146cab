//! A stack that has our template's outputs.

use super::account::QueueType;
use super::jw_api::{FUNCTION_URL, WEBHOOK_URL};
use crate::support::{commit, seconds};
use aws_sdk_cloudformation as cloudformation;
use aws_sdk_cloudformation::types::Parameter;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// Deploys a stack with our template's outputs and parameters, and returns the outputs.
pub async fn deploy(
    client: &cloudformation::Client,
    secret: &str,
    queue: QueueType,
    parameters: &[(&str, &str)],
) -> BTreeMap<String, String> {
    let attribute = |resource: &str, name: &str| json!({"Fn::GetAtt": [resource, name]});
    let output = |value: Value| json!({ "Value": value });
    let types: BTreeMap<_, _> =
        parameters.iter().map(|(name, _)| (name, json!({"Type": "String"}))).collect();
    let mut queue_properties = json!({
        "RedrivePolicy": {"maxReceiveCount": 5, "deadLetterTargetArn": attribute("DeadLetterQueue", "Arn")},
    });
    let mut dead_letter_properties = json!({});
    if queue == QueueType::Fifo {
        queue_properties["QueueName"] = json!("jw-events.fifo");
        queue_properties["FifoQueue"] = json!(true);
        dead_letter_properties = json!({"QueueName": "jw-dead.fifo", "FifoQueue": true});
    }
    let template = json!({
        "Parameters": types,
        "Resources": {
            "DeadLetterQueue": {"Type": "AWS::SQS::Queue", "Properties": dead_letter_properties},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": queue_properties},
            "HeldDeadLetterQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jw-held-dead"}},
            "HeldQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jw-held"}},
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": secret}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "jw-forwarder"}},
        },
        "Outputs": {
            "WebhookUrl": output(json!(WEBHOOK_URL)),
            "WebhookUrlHttpApi": output(json!(WEBHOOK_URL)),
            "WebhookUrlFunctionUrl": output(json!(FUNCTION_URL)),
            "SecretArn": output(attribute("Secret", "Id")),
            "QueueUrl": output(json!({"Ref": "Queue"})),
            "DeadLetterQueueUrl": output(json!({"Ref": "DeadLetterQueue"})),
            "HeldQueueUrl": output(json!({"Ref": "HeldQueue"})),
            "HeldDeadLetterQueueUrl": output(json!({"Ref": "HeldDeadLetterQueue"})),
            "LogGroup": output(json!({"Ref": "Logs"})),
            "FunctionName": output(json!("jw-forwarder")),
            "Version": output(json!(format!("{} ({})", env!("CARGO_PKG_VERSION"), commit()))),
        },
    });
    let parameters = parameters.iter().map(|(name, value)| {
        Parameter::builder().parameter_key(*name).parameter_value(*value).build()
    });
    let create = client.create_stack().stack_name("jw").template_body(template.to_string());
    create.set_parameters(Some(parameters.collect())).send().await.unwrap();
    let began = Instant::now();
    loop {
        let answer = client.describe_stacks().stack_name("jw").send().await.unwrap();
        let stack = &answer.stacks()[0];
        let status = stack.stack_status().unwrap().as_str();
        if status == "CREATE_COMPLETE" {
            let outputs = stack.outputs().iter().map(|output| {
                (output.output_key().unwrap().to_owned(), output.output_value().unwrap().to_owned())
            });
            return outputs.collect();
        }
        assert!(began.elapsed() < seconds(20) && !status.contains("ROLLBACK"), "{stack:#?}");
        tokio::time::sleep(crate::support::millis(20)).await;
    }
}
