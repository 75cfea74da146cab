"""The alarms, the dashboard and the saved queries, held against the lines that the binary prints, and what AWS emits."""

import json
import re
import unittest
from typing import Any

import printed
from printed import LINES
from translated import Json, branches, deployed, of_type, resources, template

OWN = "JwWebhookForwarder"
OF_THE_STACK = "JwWebhookForwarder/${AWS::StackName}"
# What AWS's own services emit, of what is watched here (their documentation's lists of metrics).
AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/SQS", "NumberOfMessagesDeleted"),
    ("AWS/Lambda", "Invocations"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "ConcurrentExecutions"),
    ("AWS/Lambda", "UrlRequestCount"),
    ("AWS/Lambda", "Url4xxCount"),
    ("AWS/Lambda", "Url5xxCount"),
    ("AWS/ApiGateway", "Count"),
    ("AWS/ApiGateway", "4xx"),
    ("AWS/ApiGateway", "5xx"),
}
QUEUES = ("Queue", "DeadLetterQueue", "HeldQueue", "HeldDeadLetterQueue")
# The one dimension that each of them is emitted by, and what it names here.
DIMENSIONS = {
    OWN: [["FunctionName", "${Forwarder}"]],
    OF_THE_STACK: [[]],  # a filter's metric without dimensions
    "AWS/SQS": [["QueueName", f"${{{queue}.QueueName}}"] for queue in QUEUES],
    "AWS/Lambda": [["FunctionName", "${Forwarder}"]],
    "AWS/ApiGateway": [["ApiId", "${HttpApi}"]],
}
OWN_METRICS = printed.emitted(LINES)


def emitted() -> set[tuple[str, str]]:
    return {(namespace, name) for namespace, name, _ in OWN_METRICS} | filtered() | AWS_METRICS


def filtered() -> set[tuple[str, str]]:
    return {
        (t["MetricNamespace"]["Fn::Sub"], t["MetricName"])
        for f in of_type("AWS::Logs::MetricFilter").values()
        for t in f["Properties"]["MetricTransformations"]
    }


def text(value: Any) -> str:
    """A text or a reference, as Fn::Sub would have it."""
    if isinstance(value, str):
        return value
    ((kind, inner),) = value.items()
    reference = ".".join(inner) if kind == "Fn::GetAtt" else inner
    return reference if kind == "Fn::Sub" else f"${{{reference}}}"


def alarm_parts(properties: Json) -> list[Json]:
    """The metrics that an alarm is on: its own, or those of its expression."""
    return [m["MetricStat"]["Metric"] for m in properties.get("Metrics", []) if "MetricStat" in m] or [properties]


def alarm_metrics() -> list[tuple[str, str, list[str]]]:
    """Namespace, name, and dimension with its value, if any, of each metric that an alarm is on."""
    found = []
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        for metric in alarm_parts(alarm["Properties"]):
            (dimension,) = metric.get("Dimensions", [None])
            namespaces, names = branches(metric["Namespace"]), branches(metric["MetricName"])
            dimensions = branches(dimension) if dimension else [None]
            for namespace, name, d in zip(namespaces, names, dimensions, strict=True):
                found.append((text(namespace), name, [d["Name"], text(d["Value"])] if d else []))
    return found


VARIANTS: list[Json] = [{}, {"Endpoint": "FunctionUrl"}, {"Endpoint": "Both"}, {"HoldUnverified": "false"}, {"SilenceAlarmHours": "24"}]


def dashboards() -> list[Json]:
    """The dashboard's body in each of the stack's variants."""
    found = []
    for parameters in VARIANTS:
        body, variables = deployed(**parameters)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        for name, value in variables.items():
            body = body.replace(f"${{{name}}}", text(value))
        found.append(json.loads(body))
    return found


def dashboard_metrics() -> list[tuple[str, str, list[str]]]:
    rows = [row for d in dashboards() for widget in d["widgets"] for row in widget["properties"].get("metrics", [])]
    plain = [[cell for cell in row if isinstance(cell, str)] for row in rows]
    return [(row[0], row[1], row[2:]) for row in plain if row and row[0] != "..."]  # which is the row before, again


def log_queries() -> list[str]:
    return [w["properties"]["query"] for d in dashboards() for w in d["widgets"] if w["type"] == "log"]


class AnAlarm(unittest.TestCase):
    def test_is_on_a_metric_that_is_emitted_by_what_it_names(self) -> None:
        self.assertEqual({(namespace, name) for namespace, name, _ in alarm_metrics()} - emitted(), set())
        for namespace, name, dimension in alarm_metrics():
            self.assertIn(dimension, DIMENSIONS[namespace], name)
            self.assertTrue(namespace != OWN or (namespace, name, tuple(dimension[:1])) in OWN_METRICS, name)

    def test_is_there_for_each_metric_that_a_filter_makes(self) -> None:
        self.assertEqual(filtered() - {(namespace, name) for namespace, name, _ in alarm_metrics()}, set())

    def test_is_on_the_function_as_its_lines_name_it(self) -> None:
        self.assertEqual({dimensions for _, _, dimensions in OWN_METRICS}, {("FunctionName",), ("FunctionName", "reason")})
        on = {name for namespace, name, _ in alarm_metrics() if namespace == OWN}
        self.assertEqual(on, {"Accepted", "Refused", "Failed", "Lost"})

    def test_of_an_event_that_only_a_person_can_put_back_sends_no_ok(self) -> None:
        silent = {name for name, a in of_type("AWS::CloudWatch::Alarm").items() if "OKActions" not in a["Properties"]}
        self.assertEqual(silent, {"EventsUndeliveredAlarm", "EventsLostAlarm"})

    def test_says_what_to_do_and_reaches_somebody(self) -> None:
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            self.assertGreater(len(properties["AlarmDescription"]), 80, name)
            self.assertLess(len(properties["AlarmDescription"]), 1024, name)
            self.assertEqual(properties["AlarmActions"], [{"Ref": "AlarmTopic"}], name)
            # no data is no traffic, but for a queue: SQS sends none of one that is quiet, whatever it was before
            missing = "ignore" if "AWS/SQS" in json.dumps(properties) else "notBreaching"
            self.assertEqual(properties["TreatMissingData"], "breaching" if name == "SilenceAlarm" else missing, name)

    def test_takes_missing_data_for_what_the_lines_leave_out(self) -> None:
        # a metric that only some lines have is missing while all is well; one that each has is missing without requests
        in_each = set.intersection(*({name for _, name, _ in printed.emitted([line])} for line in LINES if "_aws" in line))
        self.assertEqual(in_each, {"Accepted", "Duration"})
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            own = {m["MetricName"] for m in alarm_parts(alarm["Properties"]) if m["Namespace"] == OWN}
            if alarm["Properties"]["TreatMissingData"] == "breaching":
                self.assertTrue(own and own <= in_each, name)

    def test_of_silence_is_there_where_somebody_wants_it_and_as_long_as_cloudwatch_looks_back(self) -> None:
        self.assertNotIn("SilenceAlarm", deployed()["Resources"])
        alarm = deployed(SilenceAlarmHours="24")["Resources"]["SilenceAlarm"]["Properties"]
        # CloudWatch API Reference, PutMetricAlarm: Period times EvaluationPeriods is at most seven days
        self.assertEqual((alarm["Period"], alarm["EvaluationPeriods"]), (3600, {"Ref": "SilenceAlarmHours"}))
        self.assertEqual((alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]), ("Sum", "LessThanThreshold", 1))
        allowed = re.compile(template()["Parameters"]["SilenceAlarmHours"]["AllowedPattern"])
        taken = [text for text in ("", "-1", "a", "1.5", *map(str, range(1000))) if allowed.fullmatch(text)]
        self.assertEqual(taken, ["", *map(str, range(1, 7 * 24 + 1))])

    def test_of_nothing_but_refusals_needs_no_metric_that_may_never_have_existed(self) -> None:
        refused = [line for line in LINES if line.get("outcome") == "refused"]
        self.assertEqual({line["Accepted"] for line in refused}, {0})
        for line in refused:
            self.assertLessEqual({(OWN, name, ("FunctionName",)) for name in ("Accepted", "Refused")}, printed.emitted([line]))
        alarm = resources()["OnlyRefusalsAlarm"]["Properties"]
        self.assertEqual(alarm["Metrics"][-1]["Expression"], "IF(accepted == 0, refused, 0)")

    def test_s_filter_reads_members_that_lines_have(self) -> None:
        filters = {name: f["Properties"] for name, f in of_type("AWS::Logs::MetricFilter").items()}
        for name in ("UndeliveredFilter", "SecretAgeFilter"):
            read = set(re.findall(r"\$\.([\w.]+)", json.dumps(filters[name])))  # by the pattern and by the metric's value
            self.assertTrue(any(read <= printed.members(line) for line in LINES), name)
        self.assertEqual({line["part"] for line in LINES if "undelivered" in line}, {1})
        ages = {type(line["secret_age_s"]) for line in LINES if "outcome" in line}
        self.assertEqual(ages, {int, type(None)})  # null without a secret, which the filter's comparison leaves out
        access_log = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"]
        self.assertLessEqual({"status", "integrationStatus"}, set(json.loads(access_log["Format"])))
        self.assertEqual({name: f["FilterPattern"] for name, f in filters.items()}, {
            "UndeliveredFilter": "{ ($.undelivered.event_id = *) && ($.part = 1) }",
            "SecretAgeFilter": {"Fn::Sub": "{ $.secret_age_s > ${SecretAgeAlarmSeconds} }"},  # as the alarm compares
            "GatewayRefusedFilter": '{ ($.integrationStatus = "-") && ($.status = "4*") && ($.status != "404") }',
        })  # fmt: skip

    def test_is_on_the_dashboard(self) -> None:
        body = json.dumps(resources()["Dashboard"]["Properties"]["DashboardBody"])
        for name in of_type("AWS::CloudWatch::Alarm"):
            self.assertIn(f"${{{name}.Arn}}", body)


class TheDashboard(unittest.TestCase):
    def test_is_json_in_each_variant(self) -> None:
        self.assertEqual([len(dashboard["widgets"]) for dashboard in dashboards()], [11, 11, 11, 10, 11])

    def test_shows_metrics_that_are_emitted_by_what_it_names(self) -> None:
        self.assertEqual({(namespace, name) for namespace, name, _ in dashboard_metrics()} - emitted(), set())
        for namespace, name, dimension in dashboard_metrics():
            self.assertIn(dimension, DIMENSIONS[namespace], name)
            self.assertTrue(namespace != OWN or (namespace, name, tuple(dimension[:1])) in OWN_METRICS, name)

    def test_searches_for_refusals_by_the_dimensions_that_the_lines_have(self) -> None:
        rows = [row for d in dashboards() for widget in d["widgets"] for row in widget["properties"].get("metrics", [])]
        found = {cell["expression"] for row in rows for cell in row if isinstance(cell, dict) and "expression" in cell}
        search = '{JwWebhookForwarder,FunctionName,reason} MetricName="Refused" FunctionName="${Forwarder}"'
        self.assertEqual(found, {f"SEARCH('{search}', 'Sum', 300)"})
        self.assertIn((OWN, "Refused", ("FunctionName", "reason")), OWN_METRICS)

    def test_shows_held_events_that_wait_for_their_next_attempt_too(self) -> None:
        depths = {("HeldQueue", "Visible"), ("HeldQueue", "NotVisible"), ("HeldDeadLetterQueue", "Visible")}
        shown = [[name, *dimension] for _, name, dimension in dashboard_metrics()]
        for queue, messages in depths:
            self.assertIn([f"ApproximateNumberOfMessages{messages}", "QueueName", f"${{{queue}.QueueName}}"], shown)

    def test_lists_every_outcome_but_accepted(self) -> None:
        written = {line["outcome"] for line in LINES if "outcome" in line}
        for query in log_queries():
            listed = re.search(r"outcome in \[([^\]]+)\]", query)
            assert listed
            self.assertEqual({*re.findall(r"'(\w+)'", listed[1]), "accepted"}, written)

    def test_lists_members_that_lines_have(self) -> None:
        diagnostics = {"level", "message"}  # of the lines on stderr
        for query in log_queries():
            self.assertEqual(printed.fields(query) - set().union(*map(printed.members, LINES)), diagnostics)


class ASavedQuery(unittest.TestCase):
    def test_names_members_that_one_line_has_and_values_that_lines_have(self) -> None:
        values = {value for line in LINES for value in line.values() if isinstance(value, str)}
        for name, query in of_type("AWS::Logs::QueryDefinition").items():
            text = query["Properties"]["QueryString"]
            self.assertTrue(any(printed.fields(text) <= printed.members(line) for line in LINES), name)
            self.assertLessEqual(set(re.findall(r"'([^']*)'", text)) - {"MEDIA_ID"}, values, name)  # which the reader fills in

    def test_is_on_the_function_s_log_under_the_stack_s_name(self) -> None:
        queries = {name: q["Properties"] for name, q in of_type("AWS::Logs::QueryDefinition").items()}
        self.assertEqual(len(queries), 5)
        for name, properties in queries.items():
            self.assertEqual(properties["LogGroupNames"], [{"Ref": "ForwarderLogs"}], name)
            self.assertTrue(properties["Name"]["Fn::Sub"].startswith("${AWS::StackName}/"), name)  # a folder in the console
            self.assertLess(len(properties["QueryString"]), 10_000, name)
