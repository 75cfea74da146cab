# Deploys the function from a release's zip, without CloudFormation. README.md says how to use it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

# The secret has no value here, because Terraform's state would contain JW's keys.
resource "aws_secretsmanager_secret" "ring" {
  name        = var.name
  description = "JW Player webhooks' keys: a JSON object from webhook ids to secrets"
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "forwarder" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 90
  lifecycle {
    prevent_destroy = true # the log has the only copy of an undelivered event
  }
}

resource "aws_iam_role" "forwarder" {
  name = var.name
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "forwarder" {
  name = "forwarder"
  role = aws_iam_role.forwarder.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.forwarder.arn}:*"
      },
      {
        Sid      = "FetchTheSecret"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = aws_secretsmanager_secret.ring.arn
      },
      {
        Sid      = "SendEvents"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.main["events"].arn
      },
      {
        Sid      = "HoldEvents"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.main["held"].arn
      },
      { # Lambda polls the held queue with this role
        Sid      = "ReceiveHeldEvents"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.main["held"].arn
      },
    ]
  })
}

resource "aws_lambda_function" "forwarder" {
  function_name    = var.name
  description      = "Verifies JW Player's webhooks and puts them on an SQS queue"
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)
  handler          = "bootstrap"
  runtime          = "provided.al2023"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 25
  role             = aws_iam_role.forwarder.arn
  publish          = true
  environment {
    variables = {
      QUEUE_URL                = aws_sqs_queue.main["events"].id
      HELD_QUEUE_URL           = aws_sqs_queue.main["held"].id
      WEBHOOK_SECRET_ID        = aws_secretsmanager_secret.ring.arn
      SECRET_TTL_SECONDS       = "300"
      SECRET_MAX_STALE_SECONDS = "86400"
    }
  }
  logging_config {
    log_group  = aws_cloudwatch_log_group.forwarder.name
    log_format = "JSON"
    # Never set this level above INFO, because Lambda would drop the metrics and the undelivered events, which have no level.
    application_log_level = "INFO"
    system_log_level      = "WARN" # failed invocations only
  }
  tracing_config {
    mode = "PassThrough"
  }
  depends_on = [aws_iam_role_policy.forwarder]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.forwarder.function_name
  function_version = aws_lambda_function.forwarder.version
}

resource "aws_lambda_event_source_mapping" "held" {
  function_name           = aws_lambda_alias.live.arn
  event_source_arn        = aws_sqs_queue.main["held"].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = 2 # Lambda's lowest value, so that requests can use the account's concurrency
  }
}

resource "aws_apigatewayv2_api" "webhooks" {
  name          = var.name
  description   = "JW Player's webhooks"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "forwarder" {
  api_id                 = aws_apigatewayv2_api.webhooks.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "jwplayer" {
  api_id    = aws_apigatewayv2_api.webhooks.id
  route_key = "POST /webhooks/jwplayer"
  target    = "integrations/${aws_apigatewayv2_integration.forwarder.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.webhooks.id
  name        = "$default"
  auto_deploy = true
  default_route_settings {
    throttling_rate_limit  = 1000
    throttling_burst_limit = 1000
  }
}

resource "aws_lambda_permission" "http_api" {
  statement_id  = "http-api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.forwarder.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.webhooks.execution_arn}/$default/POST/webhooks/jwplayer"
}
