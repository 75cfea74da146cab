"""The alarms and the dashboard, held against the metrics that the code, the filters and AWS emit."""

import json
import re
import unittest

from translated import branches, of_type, resources, source

# What AWS's own services emit, of what the alarms are on (their documentation's lists of metrics).
AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "Url5xxCount"),
    ("AWS/ApiGateway", "5xx"),
}


def alarm_metrics() -> set[tuple[str, str]]:
    found = set()
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        metrics = [m["MetricStat"]["Metric"] for m in properties.get("Metrics", []) if "MetricStat" in m] or [properties]
        for metric in metrics:
            namespaces = [n["Fn::Sub"] if isinstance(n, dict) else n for n in branches(metric["Namespace"])]
            names = branches(metric["MetricName"])
            found |= set(zip(namespaces, names, strict=True))
    return found


class AnAlarm(unittest.TestCase):
    def emitted(self) -> set[tuple[str, str]]:
        telemetry = source("telemetry.rs")
        namespace = re.search(r'NAMESPACE: &str = "(\w+)"', telemetry)
        assert namespace
        own = {(namespace[1], name) for name in re.findall(r'#\[serde\(rename = "([A-Z]\w+)"', telemetry)}
        filters = {
            (t["MetricNamespace"]["Fn::Sub"], t["MetricName"])
            for f in of_type("AWS::Logs::MetricFilter").values()
            for t in f["Properties"]["MetricTransformations"]
        }
        return own | filters | AWS_METRICS

    def test_is_on_a_metric_that_is_emitted(self) -> None:
        self.assertEqual(alarm_metrics() - self.emitted(), set())

    def test_is_there_for_each_metric_that_a_filter_makes(self) -> None:
        filtered = {metric for metric in self.emitted() if metric[0].startswith("JwWebhookForwarder/")}
        self.assertEqual(filtered - alarm_metrics(), set())

    def test_is_on_the_function_as_its_lines_name_it(self) -> None:
        self.assertIn('#[serde(rename = "FunctionName")]', source("telemetry.rs"))
        text = json.dumps([a["Properties"] for a in of_type("AWS::CloudWatch::Alarm").values()])
        for dimensions in re.findall(r'"Namespace": "JwWebhookForwarder", "MetricName": "\w+", "Dimensions": (\[.*?\])', text):
            self.assertEqual(json.loads(dimensions), [{"Name": "FunctionName", "Value": {"Ref": "Forwarder"}}])

    def test_says_what_to_do_and_reaches_somebody(self) -> None:
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            self.assertGreater(len(properties["AlarmDescription"]), 80, name)
            self.assertLess(len(properties["AlarmDescription"]), 1024, name)
            self.assertEqual(properties["AlarmActions"], [{"Ref": "AlarmTopic"}], name)
            self.assertIn("TreatMissingData", properties, name)

    def test_s_filter_reads_members_that_the_code_writes(self) -> None:
        telemetry, message = source("telemetry.rs"), source("message.rs")
        self.assertRegex(telemetry, r"struct Undelivered<'m> \{\s+undelivered: Record")
        self.assertIn("pub event_id: &'e str", message)
        self.assertRegex(telemetry, r"\n    secret_age_s: Option<u64>")
        access_log = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"]
        self.assertLessEqual({"status", "integrationStatus"}, set(json.loads(access_log["Format"])))
        patterns = {name: f["Properties"]["FilterPattern"] for name, f in of_type("AWS::Logs::MetricFilter").items()}
        self.assertEqual(patterns, {
            "UndeliveredFilter": "{ $.undelivered.event_id = * }",
            "SecretAgeFilter": "{ $.secret_age_s >= 0 }",
            "GatewayRefusedFilter": '{ ($.integrationStatus = "-") && ($.status = "4*") && ($.status != "404") }',
        })  # fmt: skip

    def test_is_on_the_dashboard(self) -> None:
        body = json.dumps(resources()["Dashboard"]["Properties"]["DashboardBody"])
        for name in of_type("AWS::CloudWatch::Alarm"):
            self.assertIn(f"${{{name}.Arn}}", body)


class TheDashboard(unittest.TestCase):
    def test_is_json_with_either_endpoint(self) -> None:
        text, variables = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        for branch in (1, 2):
            body = text
            for name, choice in variables.items():
                value = choice["Fn::If"][branch]
                body = body.replace(f"${{{name}}}", value["Fn::Sub"] if isinstance(value, dict) else value)
            self.assertGreaterEqual(len(json.loads(body)["widgets"]), 8)
