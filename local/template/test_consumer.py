"""The example consumer's template, where `make prove` can't try it: permissions, limits and alarms."""

import re
import unittest

from samtranslator.yaml_helper import yaml_parse

from translated import ROOT, Json, template

FOLDER = ROOT / "examples" / "consumer"
PARSED: Json = yaml_parse((FOLDER / "template.yaml").read_text(encoding="utf-8"))
RESOURCES: Json = PARSED["Resources"]


def properties(name: str) -> Json:
    found: Json = RESOURCES[name]["Properties"]
    return found


class TheConsumer(unittest.TestCase):
    def test_may_receive_from_the_queue_and_remember_events_and_nothing_else(self) -> None:
        (of_the_role,) = properties("ConsumerRole")["Policies"]
        receive, decrypt = properties("ReceiveEvents")["PolicyDocument"]["Statement"]
        condition, decrypt, otherwise = decrypt["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasQueueKey", {"Ref": "AWS::NoValue"}))
        found = {s["Sid"]: (s["Action"], s["Resource"]) for s in [*of_the_role["PolicyDocument"]["Statement"], receive, decrypt]}
        self.assertEqual(found, {
            "WriteTheLog": (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["ConsumerLogs", "Arn"]}),
            "RememberEvents": (["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                               {"Fn::GetAtt": ["Finished", "Arn"]}),
            "ReceiveEvents": (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], {"Ref": "QueueArn"}),
            "DecryptEvents": ("kms:Decrypt", {"Ref": "QueueKmsKeyArn"}),
        })  # fmt: skip
        through = decrypt["Condition"]["StringEquals"]["kms:ViaService"]
        self.assertEqual(through, {"Fn::Sub": "sqs.${AWS::Region}.${AWS::URLSuffix}"})

    def test_gets_failed_events_again_and_leaves_concurrency_to_the_forwarder(self) -> None:
        mapping = properties("QueueEvents")
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": 5})
        visible_after = template()["Parameters"]["VisibilityTimeoutSeconds"]["Default"]
        self.assertLessEqual(6 * properties("Consumer")["Timeout"], visible_after)  # Lambda Developer Guide, on SQS

    def test_filters_only_where_events_are_named(self) -> None:
        condition, criteria, otherwise = properties("QueueEvents")["FilterCriteria"]["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasEvents", {"Ref": "AWS::NoValue"}))
        (only,) = criteria["Filters"]
        self.assertEqual(only["Pattern"]["Fn::Sub"][0], '{"body":{"event":["${Names}"]}}')
        self.assertEqual(PARSED["Parameters"]["Events"]["Default"], "")

    def test_remembers_events_for_as_long_as_recover_can_send_them_again(self) -> None:
        kept = template()["Parameters"]["LogRetentionDays"]["Default"]
        self.assertGreaterEqual(PARSED["Parameters"]["RememberDays"]["Default"], kept)
        self.assertEqual(properties("Finished")["TimeToLiveSpecification"], {"AttributeName": "expiration", "Enabled": True})
        (key,) = properties("Finished")["KeySchema"]
        self.assertIn(f'key_attr="{key["AttributeName"]}"', (FOLDER / "src" / "consumer.py").read_text(encoding="utf-8"))

    def test_has_the_variables_that_its_code_reads(self) -> None:
        read = set(re.findall(r'os\.environ\["(\w+)"\]', (FOLDER / "src" / "consumer.py").read_text(encoding="utf-8")))
        self.assertEqual(set(properties("Consumer")["Environment"]["Variables"]), read | {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"})

    def test_has_an_alarm_for_failing_events_errors_and_throttles(self) -> None:
        alarms = {name: r["Properties"] for name, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
        found = {name: (a["Namespace"], a["MetricName"], a["TreatMissingData"]) for name, a in alarms.items()}
        (filtered,) = properties("EventsFailingFilter")["MetricTransformations"]
        self.assertEqual(found, {
            "EventsFailingAlarm": (filtered["MetricNamespace"], filtered["MetricName"], "notBreaching"),
            "FunctionErrorsAlarm": ("AWS/Lambda", "Errors", "notBreaching"),
            "FunctionThrottlesAlarm": ("AWS/Lambda", "Throttles", "notBreaching"),
        })  # fmt: skip
        self.assertEqual(properties("EventsFailingFilter")["FilterPattern"], '{ $.level = "ERROR" }')
        for alarm in alarms.values():
            self.assertEqual(alarm["AlarmActions"]["Fn::If"][:2], ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}]])
