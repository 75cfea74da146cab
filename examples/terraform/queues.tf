locals {
  # Each queue has a dead-letter queue.
  queues = {
    events = { visibility_timeout = 180, max_receives = 5 }
    # The function tries to forward a held event every 300 s, and 288 attempts take a day.
    held = { visibility_timeout = 300, max_receives = 288 }
  }
  max_message_size  = 262144  # larger than any request of the HTTP API; version 5 of the provider allows no more
  message_retention = 1209600 # 14 days, SQS's longest
}

resource "aws_sqs_queue" "dead" {
  for_each                  = local.queues
  name                      = "${var.name}-${each.key}-dead"
  max_message_size          = local.max_message_size
  message_retention_seconds = local.message_retention
  sqs_managed_sse_enabled   = true
  lifecycle {
    prevent_destroy = true # the queue may have events
  }
}

resource "aws_sqs_queue" "main" {
  for_each                   = local.queues
  name                       = "${var.name}-${each.key}"
  max_message_size           = local.max_message_size
  message_retention_seconds  = local.message_retention
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = each.value.visibility_timeout
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = each.value.max_receives
  })
  lifecycle {
    prevent_destroy = true # the queue may have events
  }
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  for_each  = local.queues
  queue_url = aws_sqs_queue.dead[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.main[each.key].arn]
  })
}

resource "aws_sqs_queue_policy" "tls_only" {
  for_each  = merge(aws_sqs_queue.main, { for name, queue in aws_sqs_queue.dead : "${name}-dead" => queue })
  queue_url = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefusePlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
