"""Tests how the stack holds an event that cannot be verified yet, and retries it."""

import unittest

from translated import deployed, of_type, resources, template


class HeldEvent(unittest.TestCase):
    def test_held_queue_gets_held_events_and_invokes_the_function(self) -> None:
        variables = resources()["Forwarder"]["Properties"]["Environment"]["Variables"]
        self.assertEqual(variables["HELD_QUEUE_URL"]["Fn::If"][:2], ["HoldsUnverified", {"Ref": "HeldQueue"}])
        (mapping,) = of_type("AWS::Lambda::EventSourceMapping").values()
        self.assertEqual(mapping["Properties"], {
            "EventSourceArn": {"Fn::GetAtt": ["HeldQueue", "Arn"]},
            "FunctionName": {"Ref": "ForwarderAliaslive"},
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
        })  # fmt: skip

    def test_held_event_is_retried_every_five_minutes_for_a_day(self) -> None:
        queue, function = resources()["HeldQueue"]["Properties"], resources()["Forwarder"]["Properties"]
        receives, between = queue["RedrivePolicy"]["maxReceiveCount"], queue["VisibilityTimeout"]
        self.assertEqual((between, receives * between), (5 * 60, 24 * 3600))
        self.assertGreaterEqual(between, 6 * function["Timeout"])  # the rule of the Lambda Developer Guide for SQS

    def test_outputs_name_the_held_queues(self) -> None:
        outputs = {name: output["Value"] for name, output in template()["Outputs"].items() if name.startswith("Held")}
        self.assertEqual(outputs, {
            "HeldQueueUrl": {"Ref": "HeldQueue"},
            "HeldDeadLetterQueueUrl": {"Ref": "HeldDeadLetterQueue"},
            "HeldDeadLetterQueueArn": {"Fn::GetAtt": ["HeldDeadLetterQueue", "Arn"]},
        })  # fmt: skip

    def test_alarm_counts_held_events_during_and_between_attempts(self) -> None:
        alarm = resources()["EventsHeldAlarm"]["Properties"]
        *metrics, total = alarm["Metrics"]
        found = {m["MetricStat"]["Metric"]["MetricName"]: m["MetricStat"]["Metric"]["Dimensions"] for m in metrics}
        held = [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["HeldQueue", "QueueName"]}}]
        messages = "ApproximateNumberOfMessages"
        self.assertEqual(found, {f"{messages}Visible": held, f"{messages}NotVisible": held})
        self.assertEqual(total["Expression"], " + ".join(m["Id"] for m in metrics))
        self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("GreaterThanThreshold", 0))
        dead = resources()["HeldDeadLetterAlarm"]["Properties"]
        self.assertEqual(dead["Dimensions"][0]["Value"], {"Fn::GetAtt": ["HeldDeadLetterQueue", "QueueName"]})

    def test_stack_without_holdunverified_has_no_held_queue_permission_or_variable(self) -> None:
        stack = deployed(HoldUnverified="false")
        self.assertEqual([name for name in [*stack["Resources"], *stack["Outputs"]] if "Held" in name or "Hold" in name], [])
        self.assertNotIn("HELD_QUEUE_URL", stack["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"])
        granted = str([r["Properties"] for r in stack["Resources"].values() if r["Type"] == "AWS::IAM::ManagedPolicy"])
        self.assertNotIn("sqs:ReceiveMessage", granted)
