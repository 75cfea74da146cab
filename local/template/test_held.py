"""The way of a held event: from the function to the held queue and back."""

import unittest

from translated import deployed, of_type, references, resources, template


class AHeldEvent(unittest.TestCase):
    def test_is_sent_to_the_queue_that_invokes_the_function(self) -> None:
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

    def test_is_retried_every_five_minutes_for_a_day(self) -> None:
        queue, function = resources()["HeldQueue"]["Properties"], resources()["Forwarder"]["Properties"]
        receives, between = queue["RedrivePolicy"]["maxReceiveCount"], queue["VisibilityTimeout"]
        self.assertEqual((between, receives * between), (5 * 60, 24 * 3600))
        self.assertGreaterEqual(between, 6 * function["Timeout"])  # Lambda Developer Guide, on SQS

    def test_can_be_moved_back_from_the_outputs(self) -> None:
        outputs = {name: output["Value"] for name, output in template()["Outputs"].items() if name.startswith("Held")}
        self.assertEqual(outputs, {
            "HeldQueueUrl": {"Ref": "HeldQueue"},
            "HeldDeadLetterQueueUrl": {"Ref": "HeldDeadLetterQueue"},
            "HeldDeadLetterQueueArn": {"Fn::GetAtt": ["HeldDeadLetterQueue", "Arn"]},
        })  # fmt: skip

    def test_is_counted_by_an_alarm_while_it_waits_for_its_next_attempt_too(self) -> None:
        alarm = resources()["EventsHeldAlarm"]["Properties"]
        *metrics, total = alarm["Metrics"]
        on = {m["MetricStat"]["Metric"]["MetricName"]: m["MetricStat"]["Metric"]["Dimensions"] for m in metrics}
        held = [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["HeldQueue", "QueueName"]}}]
        messages = "ApproximateNumberOfMessages"
        self.assertEqual(on, {f"{messages}Visible": held, f"{messages}NotVisible": held})
        self.assertEqual(total["Expression"], " + ".join(m["Id"] for m in metrics))
        self.assertEqual((alarm["ComparisonOperator"], alarm["Threshold"]), ("GreaterThanThreshold", 0))
        dead = resources()["HeldDeadLetterAlarm"]["Properties"]
        self.assertEqual(dead["Dimensions"][0]["Value"], {"Fn::GetAtt": ["HeldDeadLetterQueue", "QueueName"]})


class WithoutHolding(unittest.TestCase):
    def test_nothing_of_it_is_there(self) -> None:
        stack = deployed(HoldUnverified="false")
        self.assertEqual({name for name in [*stack["Resources"], *stack["Outputs"]] if "Held" in name or "Hold" in name}, set())
        self.assertNotIn("HELD_QUEUE_URL", stack["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"])
        granted = str([r["Properties"] for r in stack["Resources"].values() if r["Type"] == "AWS::IAM::ManagedPolicy"])
        self.assertNotIn("sqs:ReceiveMessage", granted)

    def test_nothing_refers_to_it(self) -> None:
        for held in ("true", "false"):
            stack = deployed(HoldUnverified=held)
            there = set(stack["Resources"]) | set(template()["Parameters"])
            self.assertEqual({n for n in references(stack) - there if not n.startswith("AWS::")}, set())
