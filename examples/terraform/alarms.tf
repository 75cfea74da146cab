# The alarms of template.yaml that report lost and late events.

locals {
  # Missing data means no traffic, which is no fault.
  of_the_function = {
    EventsFailed = { metric = "Failed", description = "The function answered 5xx, and neither queued nor held the event. Its log names the cause. JW may not send the event again." }
    EventsLost   = { metric = "Lost", description = "The function could neither verify nor hold an event. The event is lost unless JW sends it again. Repair the held queue first, then the secret." }
  }
  dead_letters = {
    DeadLetter     = { queue = "events", description = "A consumer failed all attempts to process an event. Repair the consumer, then move the events back (aws sqs start-message-move-task)." }
    HeldDeadLetter = { queue = "held", description = "The function could not forward a held event in 288 attempts, which take a day. Repair the secret, then move the events back (aws sqs start-message-move-task)." }
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each            = local.of_the_function
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "JwWebhookForwarder"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.forwarder.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_log_metric_filter" "undelivered" {
  name           = "${var.name}-undelivered"
  log_group_name = aws_cloudwatch_log_group.forwarder.name
  pattern        = "{ ($.undelivered.event_id = *) && ($.part = 1) }" # counts each record once, because a long record has several parts
  metric_transformation {
    namespace = "JwWebhookForwarder/${var.name}"
    name      = "Undelivered"
    value     = "1"
    unit      = "Count"
  }
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  alarm_name          = "${var.name}-EventsUndelivered"
  alarm_description   = "The function could not send verified events to the queue. The function's log has them whole until its retention ends. Repair the queue, then run jwhook recover."
  namespace           = aws_cloudwatch_log_metric_filter.undelivered.metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.undelivered.metric_transformation[0].name
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each            = local.dead_letters
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead[each.value.queue].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "ignore" # SQS sends no metrics of an unused empty queue, so the last value counts
  alarm_actions       = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "held" {
  alarm_name          = "${var.name}-EventsHeld"
  alarm_description   = "The function holds events, because it had no usable secret to verify them. The log says why. Once the secret is right, the events arrive within minutes without any action."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "ignore"
  alarm_actions       = var.alarm_actions
  dynamic "metric_query" {
    for_each = { due = "ApproximateNumberOfMessagesVisible", waiting = "ApproximateNumberOfMessagesNotVisible" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = aws_sqs_queue.main["held"].name }
        stat        = "Maximum"
        period      = 300
      }
    }
  }
  metric_query {
    id          = "held"
    label       = "held"
    expression  = "due + waiting" # an event is not visible for the 300 s between two attempts
    return_data = true
  }
}
