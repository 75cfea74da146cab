"""Tests the permissions, limits and alarms of the example consumer's template, which `make prove` cannot test."""

import re
import unittest

from translated import ROOT, template

PARSED = template("examples/consumer/template.yaml")
PROPERTIES = {name: resource["Properties"] for name, resource in PARSED["Resources"].items()}
CODE = (ROOT / "examples" / "consumer" / "src" / "consumer.py").read_text(encoding="utf-8")


class Consumer(unittest.TestCase):
    def test_consumer_may_only_receive_from_the_queue_and_remember_events(self) -> None:
        (own,) = PROPERTIES["ConsumerRole"]["Policies"]
        receive, decrypt = PROPERTIES["ReceiveEvents"]["PolicyDocument"]["Statement"]
        condition, decrypt, otherwise = decrypt["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasQueueKey", {"Ref": "AWS::NoValue"}))
        found = {s["Sid"]: (s["Action"], s["Resource"]) for s in [*own["PolicyDocument"]["Statement"], receive, decrypt]}
        self.assertEqual(found, {
            "WriteTheLog": (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["ConsumerLogs", "Arn"]}),
            "RememberEvents": (["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                               {"Fn::GetAtt": ["Finished", "Arn"]}),
            "ReceiveEvents": (["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], {"Ref": "QueueArn"}),
            "DecryptEvents": ("kms:Decrypt", {"Ref": "QueueKmsKeyArn"}),
        })  # fmt: skip
        service = decrypt["Condition"]["StringEquals"]["kms:ViaService"]
        self.assertEqual(service, {"Fn::Sub": "sqs.${AWS::Region}.${AWS::URLSuffix}"})

    def test_consumer_retries_only_failed_events_and_limits_its_concurrency(self) -> None:
        mapping = PROPERTIES["QueueEvents"]
        self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
        self.assertEqual(mapping["ScalingConfig"], {"MaximumConcurrency": 5})
        visible_after = template()["Parameters"]["VisibilityTimeoutSeconds"]["Default"]
        self.assertLessEqual(6 * PROPERTIES["Consumer"]["Timeout"], visible_after)  # the Lambda Developer Guide's rule

    def test_consumer_filters_events_only_if_the_parameter_events_is_set(self) -> None:
        condition, criteria, otherwise = PROPERTIES["QueueEvents"]["FilterCriteria"]["Fn::If"]
        self.assertEqual((condition, otherwise), ("HasEvents", {"Ref": "AWS::NoValue"}))
        (only,) = criteria["Filters"]
        self.assertEqual(only["Pattern"]["Fn::Sub"][0], '{"body":{"event":["${Names}"]}}')
        self.assertEqual(PARSED["Parameters"]["Events"]["Default"], "")

    def test_consumer_remembers_events_as_long_as_recover_can_send_them_again(self) -> None:
        kept = template()["Parameters"]["LogRetentionDays"]["Default"]
        self.assertGreaterEqual(PARSED["Parameters"]["RememberDays"]["Default"], kept)
        self.assertEqual(PROPERTIES["Finished"]["TimeToLiveSpecification"], {"AttributeName": "expiration", "Enabled": True})
        (key,) = PROPERTIES["Finished"]["KeySchema"]
        self.assertIn(f'key_attr="{key["AttributeName"]}"', CODE)

    def test_template_sets_exactly_the_variables_that_the_code_reads(self) -> None:
        read = set(re.findall(r'os\.environ\["(\w+)"\]', CODE)) | {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
        self.assertEqual(set(PROPERTIES["Consumer"]["Environment"]["Variables"]), read)

    def test_consumer_has_an_alarm_for_failed_events_errors_and_throttles(self) -> None:
        alarms = {name: p for name, p in PROPERTIES.items() if name.endswith("Alarm")}
        found = {name: (a["Namespace"], a["MetricName"], a["TreatMissingData"]) for name, a in alarms.items()}
        (filtered,) = PROPERTIES["EventsFailingFilter"]["MetricTransformations"]
        self.assertEqual(found, {
            "EventsFailingAlarm": (filtered["MetricNamespace"], filtered["MetricName"], "notBreaching"),
            "FunctionErrorsAlarm": ("AWS/Lambda", "Errors", "notBreaching"),
            "FunctionThrottlesAlarm": ("AWS/Lambda", "Throttles", "notBreaching"),
        })  # fmt: skip
        self.assertEqual(PROPERTIES["EventsFailingFilter"]["FilterPattern"], '{ $.level = "ERROR" }')
        for alarm in alarms.values():
            self.assertEqual(alarm["AlarmActions"]["Fn::If"][:2], ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}]])
