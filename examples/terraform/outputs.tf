# The outputs have the names of template.yaml's outputs.

output "WebhookUrl" {
  description = "The URL to give JW, as the webhook's webhook_url"
  value       = "${aws_apigatewayv2_api.webhooks.api_endpoint}/webhooks/jwplayer"
}

output "SecretArn" {
  description = "The secret that holds JW's keys"
  value       = aws_secretsmanager_secret.ring.arn
}

output "QueueUrl" {
  description = "The queue that consumers read"
  value       = aws_sqs_queue.main["events"].id
}

output "DeadLetterQueueUrl" {
  description = "The dead-letter queue, for messages that consumers failed too often"
  value       = aws_sqs_queue.dead["events"].id
}

output "HeldQueueUrl" {
  description = "The held queue, where events wait as tokens; the function forwards them once it has a usable secret"
  value       = aws_sqs_queue.main["held"].id
}

output "HeldDeadLetterQueueUrl" {
  description = "The held queue's dead-letter queue, for events that failed all 288 attempts"
  value       = aws_sqs_queue.dead["held"].id
}

output "LogGroup" {
  description = "The function's log"
  value       = aws_cloudwatch_log_group.forwarder.name
}

output "FunctionName" {
  description = "The function"
  value       = aws_lambda_function.forwarder.function_name
}

output "RoleName" {
  description = "The function's role"
  value       = aws_iam_role.forwarder.name
}
