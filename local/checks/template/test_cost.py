"""Tests the table of costs in docs/operate.md: the sums, the products, and the numbers of alarms and metrics."""

import json
import re
import unittest
from functools import cache

from printed import LINES
from translated import ROOT, deployed, deployed_of_type, of_type, template

ROW = re.compile(r"^\| (?P<what>[^|]+?) \| ?(?P<amount>[^|]*?) ?\| (?P<usd>[*\d.]+) \|", re.MULTILINE)
OF_ACCEPTED_EVENTS = 4  # the metrics Accepted, Duration and EventAge by function; Accepted by function and reason


@cache
def rows() -> dict[str, tuple[str, float]]:
    section = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").split("## Cost")[1].split("\n## ")[0]
    return {m["what"]: (m["amount"], float(m["usd"].strip("*"))) for m in ROW.finditer(section)}


class Costs(unittest.TestCase):
    def test_costs_add_up(self) -> None:
        without, with_traces = "**together** (the default)", "**together, with X-Ray** (`Tracing=Active`)"
        parts = [usd for what, (_, usd) in rows().items() if not what.startswith(("*or*", "**", "X-Ray"))]
        self.assertAlmostEqual(sum(parts), rows()[without][1])
        self.assertAlmostEqual(sum(parts) + rows()["X-Ray"][1], rows()[with_traces][1])

    def test_costs_are_the_product_of_amount_and_price(self) -> None:
        fetches = 30 * 86400 / int(template()["Parameters"]["SecretTtlSeconds"]["Default"])
        for what, usd in {
            "Lambda, duration": 1e6 * 0.020 * 0.25 * 0.0000133334,
            "SQS, the empty held queue": 30.4 * 86400 / 20 * 5 / 1e6 * 0.40,
            "Secrets Manager": 0.40 + fetches * 0.05 / 10_000,
            "Logs": 1e6 * 1.2e3 / 1e9 * 0.50,
        }.items():
            self.assertAlmostEqual(rows()[what][1], usd, places=2)

    def test_costs_count_the_templates_alarms_and_metrics(self) -> None:
        alarms = deployed_of_type("AWS::CloudWatch::Alarm").values()
        watched = sum(len([m for m in alarm["Metrics"] if "MetricStat" in m]) if "Metrics" in alarm else 1 for alarm in alarms)
        self.assertEqual(rows()["Alarms"], (f"{len(alarms)}, on {watched} metrics × 0.10", round(watched * 0.1, 2)))
        # a filter without a default value sends data, and costs money, only in an hour with a fault
        filters = [f["MetricTransformations"][0] for f in deployed_of_type("AWS::Logs::MetricFilter").values()]
        self.assertEqual([f["MetricName"] for f in filters if "DefaultValue" in f], [])
        self.assertTrue(rows()["Metrics"][0].startswith(f"{OF_ACCEPTED_EVENTS} × 0.30"), rows()["Metrics"])
        self.assertAlmostEqual(rows()["Metrics"][1], OF_ACCEPTED_EVENTS * 0.3)
        self.assertEqual(len(deployed_of_type("AWS::CloudWatch::Dashboard")), 1)

    def test_costs_count_the_log_lines_of_an_accepted_event(self) -> None:
        # AWS's request ids and the names of a stack's functions are longer than those of lines.jsonl
        accepted = next(line for line in LINES if (line.get("outcome"), line.get("source")) == ("accepted", "webhook"))
        ours = {**accepted, "FunctionName": "jw-webhook-forwarder-prod-Forwarder-" + 12 * "x", "request_id": 36 * "x"}
        api = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]
        values = {"$context.requestId": 16 * "x", "$context.requestTime": "27/Nov/2026:12:00:00 +0000",
                  "$context.routeKey": "POST /webhooks/jwplayer", "$context.identity.sourceIp": "203.0.113.100"}  # fmt: skip
        gateways = {k: values.get(v, "200") for k, v in json.loads(api["AccessLogSettings"]["Format"]).items()}
        size = sum(len(json.dumps(line, separators=(",", ":"))) + 26 for line in (ours, gateways))  # CloudWatch adds 26
        self.assertAlmostEqual(size, 1200, delta=50)
        # at this level, Lambda logs lines of its own only after a failure
        level = deployed()["Resources"]["Forwarder"]["Properties"]["LoggingConfig"]["SystemLogLevel"]
        self.assertEqual(level, "WARN")
