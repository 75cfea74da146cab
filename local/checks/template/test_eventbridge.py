"""Tests the paths, permissions and alarms of the example pipe to EventBridge, which ministack cannot run."""

import json
import re
import unittest

from translated import template

PARSED = template("examples/eventbridge/template.yaml")
PROPERTIES = {name: resource["Properties"] for name, resource in PARSED["Resources"].items()}
# A message of the forwarder's queue, as the pipe reads it: the body is parsed JSON (EventBridge User Guide, "Amazon
# EventBridge Pipes input transformation").
CLAIMS = {"event": "media_available", "media_id": "UUhbHm6C"}
MESSAGE = {"body": CLAIMS, "messageAttributes": {"event_id": {"stringValue": "d2726fa6", "dataType": "String"}}}


def at(path: str) -> object:
    found: object = MESSAGE
    for part in path.removeprefix("$.").split("."):
        assert isinstance(found, dict)
        found = found[part]
    return found


class Pipe(unittest.TestCase):
    def test_event_on_the_bus_has_jws_event_name_the_event_id_and_the_claims(self) -> None:
        target = PROPERTIES["Pipe"]["TargetParameters"]
        self.assertEqual(at(target["EventBridgeEventBusParameters"]["DetailType"]), "media_available")
        filled = re.sub(r'("?)<([^>]+)>\1', lambda match: json.dumps(at(match[2])), target["InputTemplate"])
        self.assertEqual(json.loads(filled), {"event_id": "d2726fa6", "event": CLAIMS})
        quoted = dict(re.findall(r'<([^>]+)>("?)', target["InputTemplate"]))
        for path, quote in quoted.items():
            self.assertEqual(quote, '"' if isinstance(at(path), str) else "", f"{path}: only strings have quotes")

    def test_pipe_may_only_receive_from_the_queue_and_put_events_on_its_bus(self) -> None:
        (policy,) = PROPERTIES["PipeRole"]["Policies"]
        receive, put, decrypt = policy["PolicyDocument"]["Statement"]
        self.assertEqual((receive["Action"], receive["Resource"]),
                         (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], {"Ref": "QueueArn"}))  # fmt: skip
        self.assertEqual((put["Action"], put["Resource"]), ("events:PutEvents", {"Fn::GetAtt": ["Bus", "Arn"]}))
        condition, decrypt, otherwise = decrypt["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasQueueKey", {"Ref": "AWS::NoValue"}))
        self.assertEqual((decrypt["Action"], decrypt["Resource"]), ("kms:Decrypt", {"Ref": "QueueKmsKeyArn"}))
        self.assertIn("kms:ViaService", decrypt["Condition"]["StringEquals"])
        (trust,) = PROPERTIES["PipeRole"]["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(trust["Condition"], {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})

    def test_dead_letter_queue_accepts_events_only_from_rules_of_its_bus(self) -> None:
        allow, deny = PROPERTIES["DeadLetterQueuePolicy"]["PolicyDocument"]["Statement"]
        self.assertEqual((allow["Principal"], allow["Action"]), ({"Service": "events.amazonaws.com"}, "sqs:SendMessage"))
        self.assertTrue(allow["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":rule/${Bus}/*"))
        self.assertEqual((deny["Effect"], deny["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))
        for name in ("DeadLetterQueue", "DeadLetterQueuePolicy"):  # the policy stays with the queue
            kept = tuple(PARSED["Resources"][name][policy] for policy in ("DeletionPolicy", "UpdateReplacePolicy"))
            self.assertEqual(kept, ("RetainExceptOnCreate", "Retain"), name)
        self.assertEqual(PROPERTIES["DeadLetterQueue"]["MessageRetentionPeriod"], 14 * 24 * 3600)
        self.assertEqual(PARSED["Outputs"]["DeadLetterQueueArn"]["Value"], {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]})

    def test_pipe_has_an_alarm_for_each_kind_of_failure(self) -> None:
        alarms = {name: p for name, p in PROPERTIES.items() if name.endswith("Alarm")}
        self.assertEqual(set(alarms), {"PipeFailedAlarm", "DeadLetterAlarm"})
        *metrics, total = alarms["PipeFailedAlarm"]["Metrics"]
        found = {m["MetricStat"]["Metric"]["MetricName"]: m["MetricStat"]["Metric"] for m in metrics}
        self.assertEqual(set(found), {"ExecutionFailed", "ExecutionPartiallyFailed", "ExecutionTimeout"})
        for metric in found.values():
            self.assertEqual((metric["Namespace"], metric["Dimensions"]),
                             ("AWS/EventBridge/Pipes", [{"Name": "PipeName", "Value": {"Ref": "Pipe"}}]))  # fmt: skip
        self.assertEqual(total["Expression"], " + ".join(f"FILL({m['Id']}, 0)" for m in metrics))
        self.assertEqual(alarms["PipeFailedAlarm"]["TreatMissingData"], "notBreaching")
        dead = alarms["DeadLetterAlarm"]
        self.assertEqual((dead["Namespace"], dead["MetricName"], dead["Dimensions"], dead["TreatMissingData"]), (
            "AWS/SQS", "ApproximateNumberOfMessagesVisible",
            [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}}], "ignore",
        ))  # fmt: skip
