"""Compares the alarms, the dashboard and the saved queries with the lines that the binary prints, and with AWS's metrics."""

import json
import re
import unittest
from typing import Any

import printed
from printed import LINES
from translated import Json, deployed, deployed_of_type, of_type, resources, template

OWN = "JwWebhookForwarder"
OF_THE_STACK = "JwWebhookForwarder/${AWS::StackName}"
# The metrics of AWS's services that the template reads. AWS's documentation lists them.
OF_AWS = {
    "AWS/SQS": ("ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible",
                "ApproximateAgeOfOldestMessage", "NumberOfMessagesDeleted"),
    "AWS/Lambda": ("Invocations", "Errors", "Throttles", "ConcurrentExecutions", "UrlRequestCount", "Url4xxCount",
                   "Url5xxCount"),
    "AWS/ApiGateway": ("Count", "4xx", "5xx"),
}  # fmt: skip
QUEUES = ("Queue", "DeadLetterQueue", "HeldQueue", "HeldDeadLetterQueue")
# The dimensions of each namespace's metrics, with their values in this stack.
DIMENSIONS = {
    OWN: [["FunctionName", "${Forwarder}"]],
    OF_THE_STACK: [[]],  # the metrics of filters have no dimensions
    "AWS/SQS": [["QueueName", f"${{{queue}.QueueName}}"] for queue in QUEUES],
    "AWS/Lambda": [["FunctionName", "${Forwarder}"]],
    "AWS/ApiGateway": [["ApiId", "${HttpApi}"]],
}
OWN_METRICS = printed.emitted(LINES)
VARIANTS: list[Json] = [
    {},
    {"Endpoint": "FunctionUrl"},
    {"Endpoint": "Both"},
    {"HoldUnverified": "false"},
    {"SilenceAlarmHours": "24"},
]
Metric = tuple[str, str, list[str]]  # namespace, name, and the dimension with its value


def filtered() -> set[tuple[str, str]]:
    """Namespace and name of each metric that a log filter creates."""
    filters = [f["Properties"]["MetricTransformations"] for f in of_type("AWS::Logs::MetricFilter").values()]
    return {(metric["MetricNamespace"]["Fn::Sub"], metric["MetricName"]) for metrics in filters for metric in metrics}


def text(value: Any) -> str:
    """A text, Ref, Fn::GetAtt or Fn::Sub, written as the text of an Fn::Sub."""
    if isinstance(value, str):
        return value
    ((kind, inner),) = value.items()
    reference = ".".join(inner) if kind == "Fn::GetAtt" else inner
    return reference if kind == "Fn::Sub" else f"${{{reference}}}"


def alarm_parts(properties: Json) -> list[Json]:
    """The metrics that an alarm reads: one metric, or the metrics of its expression."""
    return [m["MetricStat"]["Metric"] for m in properties.get("Metrics", []) if "MetricStat" in m] or [properties]


def alarm_metrics() -> list[Metric]:
    alarms = [a for variant in VARIANTS for a in deployed_of_type("AWS::CloudWatch::Alarm", **variant).values()]
    found = []
    for metric in (part for alarm in alarms for part in alarm_parts(alarm)):
        (dimension,) = metric.get("Dimensions") or [None]
        values = [dimension["Name"], text(dimension["Value"])] if dimension else []
        found.append((text(metric["Namespace"]), metric["MetricName"], values))
    return found


def dashboards() -> list[Json]:
    """The dashboard's body in each variant of the stack."""
    found = []
    for parameters in VARIANTS:
        body, variables = deployed(**parameters)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        for name, value in variables.items():
            body = body.replace(f"${{{name}}}", text(value))
        found.append(json.loads(body))
    return found


def dashboard_rows() -> list[list[Any]]:
    return [row for d in dashboards() for widget in d["widgets"] for row in widget["properties"].get("metrics", [])]


def dashboard_metrics() -> list[Metric]:
    plain = [[cell for cell in row if isinstance(cell, str)] for row in dashboard_rows()]
    return [(row[0], row[1], row[2:]) for row in plain if row and row[0] != "..."]  # "..." repeats the previous row


def log_queries() -> list[str]:
    return [w["properties"]["query"] for d in dashboards() for w in d["widgets"] if w["type"] == "log"]


class MetricsCase(unittest.TestCase):
    def check_emitted(self, metrics: list[Metric]) -> None:
        """Checks that each metric exists, with a dimension of this stack."""
        emitted = {(namespace, name) for namespace, name, _ in OWN_METRICS} | filtered()
        emitted |= {(namespace, name) for namespace, names in OF_AWS.items() for name in names}
        self.assertEqual({(namespace, name) for namespace, name, _ in metrics} - emitted, set())
        for namespace, name, dimension in metrics:
            self.assertIn(dimension, DIMENSIONS[namespace], name)
            self.assertTrue(namespace != OWN or (namespace, name, tuple(dimension[:1])) in OWN_METRICS, name)


class Alarms(MetricsCase):
    def test_alarms_read_metrics_that_are_emitted(self) -> None:
        self.check_emitted(alarm_metrics())
        own = {name for namespace, name, _ in alarm_metrics() if namespace == OWN}
        self.assertEqual(own, {"Accepted", "Refused", "Failed", "Lost"})
        self.assertEqual({dimensions for _, _, dimensions in OWN_METRICS}, {("FunctionName",), ("FunctionName", "reason")})

    def test_each_metric_of_a_log_filter_has_an_alarm(self) -> None:
        self.assertEqual(filtered() - {(namespace, name) for namespace, name, _ in alarm_metrics()}, set())

    def test_alarms_on_events_that_only_a_person_can_recover_send_no_ok(self) -> None:
        silent = {name for name, a in of_type("AWS::CloudWatch::Alarm").items() if "OKActions" not in a["Properties"]}
        self.assertEqual(silent, {"EventsUndeliveredAlarm", "EventsLostAlarm"})

    def test_alarms_describe_what_to_do_and_notify_the_topic(self) -> None:
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            self.assertGreater(len(properties["AlarmDescription"]), 80, name)
            self.assertLess(len(properties["AlarmDescription"]), 1024, name)
            self.assertEqual(properties["AlarmActions"], [{"Ref": "AlarmTopic"}], name)
            # without traffic there is no data. SQS sends no data for an idle queue, even if the queue has messages
            missing = "ignore" if "AWS/SQS" in json.dumps(properties) else "notBreaching"
            self.assertEqual(properties["TreatMissingData"], "breaching" if name == "SilenceAlarm" else missing, name)

    def test_missing_data_is_breaching_only_for_metrics_that_every_line_has(self) -> None:
        # other metrics have no data while nothing fails
        in_each = set.intersection(*({name for _, name, _ in printed.emitted([line])} for line in LINES if "_aws" in line))
        self.assertEqual(in_each, {"Accepted", "Duration"})
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            own = {m["MetricName"] for m in alarm_parts(alarm["Properties"]) if m["Namespace"] == OWN}
            if alarm["Properties"]["TreatMissingData"] == "breaching":
                self.assertTrue(own and own <= in_each, name)

    def test_alarm_on_silence_is_optional_and_covers_at_most_seven_days(self) -> None:
        self.assertNotIn("SilenceAlarm", deployed()["Resources"])
        alarm = deployed(SilenceAlarmHours="24")["Resources"]["SilenceAlarm"]["Properties"]
        # CloudWatch API Reference, PutMetricAlarm: Period times EvaluationPeriods is at most seven days
        self.assertEqual((alarm["Period"], alarm["EvaluationPeriods"]), (3600, {"Ref": "SilenceAlarmHours"}))
        self.assertEqual((alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]), ("Sum", "LessThanThreshold", 1))
        allowed = re.compile(template()["Parameters"]["SilenceAlarmHours"]["AllowedPattern"])
        accepted = [text for text in ("", "-1", "a", "1.5", *map(str, range(1000))) if allowed.fullmatch(text)]
        self.assertEqual(accepted, ["", *map(str, range(1, 7 * 24 + 1))])

    def test_alarm_on_only_refusals_reads_two_metrics_that_each_refusal_has(self) -> None:
        refused = [line for line in LINES if line.get("outcome") == "refused"]
        self.assertEqual({line["Accepted"] for line in refused}, {0})
        for line in refused:
            self.assertLessEqual({(OWN, name, ("FunctionName",)) for name in ("Accepted", "Refused")}, printed.emitted([line]))
        alarm = resources()["OnlyRefusalsAlarm"]["Properties"]
        self.assertEqual(alarm["Metrics"][-1]["Expression"], "IF(accepted == 0, refused, 0)")

    def test_log_filters_read_members_that_lines_have(self) -> None:
        filters = {name: f["Properties"] for name, f in of_type("AWS::Logs::MetricFilter").items()}
        for name in ("UndeliveredFilter", "SecretAgeFilter"):
            read = set(re.findall(r"\$\.([\w.]+)", json.dumps(filters[name])))  # in the pattern and in the metric's value
            self.assertTrue(any(read <= printed.members(line) for line in LINES), name)
        self.assertEqual({line["part"] for line in LINES if "undelivered" in line}, {1})
        ages = {type(line["secret_age_s"]) for line in LINES if "outcome" in line}
        self.assertEqual(ages, {int, type(None)})  # null: there is no secret; the filter ignores null
        access_log = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"]
        self.assertLessEqual({"status", "integrationStatus"}, set(json.loads(access_log["Format"])))
        self.assertEqual({name: f["FilterPattern"] for name, f in filters.items()}, {
            "UndeliveredFilter": "{ ($.undelivered.event_id = *) && ($.part = 1) }",
            "SecretAgeFilter": {"Fn::Sub": "{ $.secret_age_s > ${SecretAgeAlarmSeconds} }"},
            "GatewayRefusedFilter": '{ ($.integrationStatus = "-") && ($.status = "4*") && ($.status != "404") }',
        })  # fmt: skip

    def test_each_alarm_is_on_the_dashboard(self) -> None:
        body = json.dumps(resources()["Dashboard"]["Properties"]["DashboardBody"])
        for name in of_type("AWS::CloudWatch::Alarm"):
            self.assertIn(f"${{{name}.Arn}}", body)


class Dashboard(MetricsCase):
    def test_dashboard_shows_metrics_that_are_emitted(self) -> None:
        self.assertEqual([len(dashboard["widgets"]) for dashboard in dashboards()], [11, 11, 11, 10, 11])
        self.check_emitted(dashboard_metrics())

    def test_dashboard_searches_for_refusals_with_the_dimensions_that_lines_have(self) -> None:
        found = {cell["expression"] for row in dashboard_rows() for cell in row if isinstance(cell, dict) and "expression" in cell}
        search = '{JwWebhookForwarder,FunctionName,reason} MetricName="Refused" FunctionName="${Forwarder}"'
        self.assertEqual(found, {f"SEARCH('{search}', 'Sum', 300)"})
        self.assertIn((OWN, "Refused", ("FunctionName", "reason")), OWN_METRICS)

    def test_dashboard_counts_held_events_during_and_between_attempts(self) -> None:
        shown = [[name, *dimension] for _, name, dimension in dashboard_metrics()]
        for queue, messages in (("HeldQueue", "Visible"), ("HeldQueue", "NotVisible"), ("HeldDeadLetterQueue", "Visible")):
            self.assertIn([f"ApproximateNumberOfMessages{messages}", "QueueName", f"${{{queue}.QueueName}}"], shown)

    def test_dashboard_lists_lines_of_every_outcome_except_accepted(self) -> None:
        outcomes = {line["outcome"] for line in LINES if "outcome" in line}
        members = set().union(*map(printed.members, LINES))
        for query in log_queries():
            (listed,) = re.findall(r"outcome in \[([^\]]+)\]", query)
            self.assertEqual({*re.findall(r"'(\w+)'", listed), "accepted"}, outcomes)
            self.assertEqual(printed.fields(query) - members, {"level", "message"})  # only lines on stderr have these


class SavedQueries(unittest.TestCase):
    def test_saved_queries_read_members_and_values_that_lines_have(self) -> None:
        values = {value for line in LINES for value in line.values() if isinstance(value, str)}
        for name, query in of_type("AWS::Logs::QueryDefinition").items():
            text = query["Properties"]["QueryString"]
            self.assertTrue(any(printed.fields(text) <= printed.members(line) for line in LINES), name)
            # the reader replaces MEDIA_ID
            self.assertLessEqual(set(re.findall(r"'([^']*)'", text)) - {"MEDIA_ID"}, values, name)

    def test_saved_queries_search_the_functions_log_and_are_in_the_stacks_folder(self) -> None:
        queries = {name: q["Properties"] for name, q in of_type("AWS::Logs::QueryDefinition").items()}
        self.assertEqual(len(queries), 5)
        for name, properties in queries.items():
            self.assertEqual(properties["LogGroupNames"], [{"Ref": "ForwarderLogs"}], name)
            self.assertTrue(properties["Name"]["Fn::Sub"].startswith("${AWS::StackName}/"), name)  # a console folder
            self.assertLess(len(properties["QueryString"]), 10_000, name)
