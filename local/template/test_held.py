"""The way of a held event: from the function to the held queue and back."""

import unittest

from translated import of_type, resources, template


class AHeldEvent(unittest.TestCase):
    def test_is_sent_to_the_queue_that_invokes_the_function(self) -> None:
        variables = resources()["Forwarder"]["Properties"]["Environment"]["Variables"]
        self.assertEqual(variables["HELD_QUEUE_URL"], {"Ref": "HeldQueue"})
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
