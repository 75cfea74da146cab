"""The example pipe to EventBridge, which no AWS on this machine can run: its paths, permissions and alarms."""

import json
import re
import unittest

from samtranslator.yaml_helper import yaml_parse

from translated import ROOT, Json

FOLDER = ROOT / "examples" / "eventbridge"
PARSED: Json = yaml_parse((FOLDER / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: Json = PARSED["Resources"]
# A message of the forwarder's queue as a pipe sees it: the body is JSON, which the pipe reads (EventBridge User Guide,
# "Amazon EventBridge Pipes input transformation").
CLAIMS = {"event": "media_available", "media_id": "UUhbHm6C"}
MESSAGE = {"body": CLAIMS, "messageAttributes": {"event_id": {"stringValue": "d2726fa6", "dataType": "String"}}}


def properties(name: str) -> Json:
    found: Json = RESOURCES[name]["Properties"]
    return found


def at(path: str) -> object:
    found: object = MESSAGE
    for part in path.removeprefix("$.").split("."):
        assert isinstance(found, dict)
        found = found[part]
    return found


class ThePipe(unittest.TestCase):
    def test_makes_an_event_named_as_jw_named_it_with_its_id_and_its_claims(self) -> None:
        target = properties("Pipe")["TargetParameters"]
        self.assertEqual(at(target["EventBridgeEventBusParameters"]["DetailType"]), "media_available")
        filled = re.sub(r'("?)<([^>]+)>\1', lambda match: json.dumps(at(match[2])), target["InputTemplate"])
        self.assertEqual(json.loads(filled), {"event_id": "d2726fa6", "event": CLAIMS})
        quoted = dict(re.findall(r'<([^>]+)>("?)', target["InputTemplate"]))
        for path, quote in quoted.items():
            self.assertEqual(quote, '"' if isinstance(at(path), str) else "", f"{path}: quotes are for strings only")

    def test_may_receive_from_the_queue_and_put_events_on_its_bus_and_nothing_else(self) -> None:
        (policy,) = properties("PipeRole")["Policies"]
        receive, put, decrypt = policy["PolicyDocument"]["Statement"]
        self.assertEqual((receive["Action"], receive["Resource"]),
                         (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], {"Ref": "QueueArn"}))  # fmt: skip
        self.assertEqual((put["Action"], put["Resource"]), ("events:PutEvents", {"Fn::GetAtt": ["Bus", "Arn"]}))
        condition, decrypt, otherwise = decrypt["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasQueueKey", {"Ref": "AWS::NoValue"}))
        self.assertEqual((decrypt["Action"], decrypt["Resource"]), ("kms:Decrypt", {"Ref": "QueueKmsKeyArn"}))
        self.assertIn("kms:ViaService", decrypt["Condition"]["StringEquals"])
        (trust,) = properties("PipeRole")["AssumeRolePolicyDocument"]["Statement"]
        self.assertEqual(trust["Condition"], {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}})

    def test_has_a_dead_letter_queue_that_its_bus_s_rules_alone_may_send_to(self) -> None:
        allow, refuse = properties("DeadLetterQueuePolicy")["PolicyDocument"]["Statement"]
        self.assertEqual((allow["Principal"], allow["Action"]), ({"Service": "events.amazonaws.com"}, "sqs:SendMessage"))
        self.assertTrue(allow["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":rule/${Bus}/*"))
        self.assertEqual((refuse["Effect"], refuse["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))
        for name in ("DeadLetterQueue", "DeadLetterQueuePolicy"):  # a queue that stays keeps its policy
            kept = (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"])
            self.assertEqual(kept, ("RetainExceptOnCreate", "Retain"), name)
        self.assertEqual(properties("DeadLetterQueue")["MessageRetentionPeriod"], 14 * 24 * 3600)
        self.assertEqual(PARSED["Outputs"]["DeadLetterQueueArn"]["Value"], {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]})

    def test_has_an_alarm_for_each_way_to_fail(self) -> None:
        alarms = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
        self.assertEqual(set(alarms), {"PipeFailedAlarm", "DeadLetterAlarm"})
        *metrics, total = alarms["PipeFailedAlarm"]["Metrics"]
        on = {m["MetricStat"]["Metric"]["MetricName"]: m["MetricStat"]["Metric"] for m in metrics}
        self.assertEqual(set(on), {"ExecutionFailed", "ExecutionPartiallyFailed", "ExecutionTimeout"})
        for metric in on.values():
            self.assertEqual((metric["Namespace"], metric["Dimensions"]),
                             ("AWS/EventBridge/Pipes", [{"Name": "PipeName", "Value": {"Ref": "Pipe"}}]))  # fmt: skip
        self.assertEqual(total["Expression"], " + ".join(f"FILL({m['Id']}, 0)" for m in metrics))
        self.assertEqual(alarms["PipeFailedAlarm"]["TreatMissingData"], "notBreaching")
        dead = alarms["DeadLetterAlarm"]
        self.assertEqual((dead["Namespace"], dead["MetricName"], dead["Dimensions"], dead["TreatMissingData"]), (
            "AWS/SQS", "ApproximateNumberOfMessagesVisible",
            [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}}], "ignore",
        ))  # fmt: skip
