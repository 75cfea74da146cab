"""The table of costs in docs/operate.md: its sums, and what it counts of the template."""

import json
import re
import unittest
from functools import cache

from printed import LINES
from translated import ROOT, Json, deployed, of_type, template

ROW = re.compile(r"^\| (?P<what>[^|]+?) \| ?(?P<amount>[^|]*?) ?\| (?P<usd>[*\d.]+) \|", re.MULTILINE)
OF_ACCEPTED_EVENTS = 4  # Accepted, Duration and EventAge by function, and Accepted by function and reason


@cache
def rows() -> dict[str, tuple[str, float]]:
    section = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8").split("## Cost")[1].split("\n## ")[0]
    return {m["what"]: (m["amount"], float(m["usd"].strip("*"))) for m in ROW.finditer(section)}


def holds(condition: Json) -> bool:
    """A condition of the template, with the parameters' defaults."""
    ((function, arguments),) = condition.items()
    if function == "Condition":
        return holds(template()["Conditions"][arguments])
    if function == "Fn::Equals":
        left, right = (template()["Parameters"][a["Ref"]]["Default"] if isinstance(a, dict) else a for a in arguments)
        return bool(left == right)
    inner = [holds(argument) for argument in arguments]
    return {"Fn::Not": not inner[0], "Fn::Or": any(inner), "Fn::And": all(inner)}[function]


def by_default(kind: str) -> list[Json]:
    conditions = template()["Conditions"]
    return [r["Properties"] for r in of_type(kind).values() if "Condition" not in r or holds(conditions[r["Condition"]])]


class TheCosts(unittest.TestCase):
    def test_add_up(self) -> None:
        without, with_traces = "**together** (the default)", "**together, with X-Ray** (`Tracing=Active`)"
        parts = [usd for what, (_, usd) in rows().items() if not what.startswith(("*or*", "**", "X-Ray"))]
        self.assertAlmostEqual(sum(parts), rows()[without][1])
        self.assertAlmostEqual(sum(parts) + rows()["X-Ray"][1], rows()[with_traces][1])

    def test_count_the_alarms_and_metrics_that_the_template_has(self) -> None:
        alarms = by_default("AWS::CloudWatch::Alarm")
        watched = sum(len([m for m in alarm["Metrics"] if "MetricStat" in m]) if "Metrics" in alarm else 1 for alarm in alarms)
        self.assertEqual(rows()["Alarms"], (f"{len(alarms)}, on {watched} metrics × 0.10", round(watched * 0.1, 2)))
        # a filter without a default value has data, and costs, only in the hours in which a line fits; each is for faults
        filters = [f["MetricTransformations"][0] for f in by_default("AWS::Logs::MetricFilter")]
        self.assertEqual([f["MetricName"] for f in filters if "DefaultValue" in f], [])
        self.assertTrue(rows()["Metrics"][0].startswith(f"{OF_ACCEPTED_EVENTS} × 0.30"), rows()["Metrics"])
        self.assertAlmostEqual(rows()["Metrics"][1], OF_ACCEPTED_EVENTS * 0.3)
        self.assertEqual(len(by_default("AWS::CloudWatch::Dashboard")), 1)

    def test_are_the_product_of_amount_and_price(self) -> None:
        self.assertAlmostEqual(rows()["Lambda, duration"][1], 1e6 * 0.020 * 0.25 * 0.0000133334, places=2)
        self.assertAlmostEqual(rows()["SQS, the empty held queue"][1], 30.4 * 86400 / 20 * 5 / 1e6 * 0.40, places=2)
        fetches = 30 * 86400 / int(template()["Parameters"]["SecretTtlSeconds"]["Default"])
        self.assertAlmostEqual(rows()["Secrets Manager"][1], 0.40 + fetches * 0.05 / 10_000, places=2)
        self.assertAlmostEqual(rows()["Logs"][1], 1e6 * 1.2e3 / 1e9 * 0.50, places=2)

    def test_count_the_lines_that_an_accepted_event_leaves_in_the_log(self) -> None:
        # values as AWS has them: its request ids are longer than those of lines.jsonl, and so is a stack's function's name
        accepted = next(line for line in LINES if (line.get("outcome"), line.get("source")) == ("accepted", "webhook"))
        ours = {**accepted, "FunctionName": "jw-webhook-forwarder-prod-Forwarder-" + 12 * "x", "request_id": 36 * "x"}
        api = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]
        values = {"$context.requestId": 16 * "x", "$context.requestTime": "27/Nov/2026:12:00:00 +0000",
                  "$context.routeKey": "POST /webhooks/jwplayer", "$context.identity.sourceIp": "203.0.113.100"}  # fmt: skip
        gateways = {k: values.get(v, "200") for k, v in json.loads(api["AccessLogSettings"]["Format"]).items()}
        size = sum(len(json.dumps(line, separators=(",", ":"))) + 26 for line in (ours, gateways))  # CloudWatch adds 26 a line
        self.assertAlmostEqual(size, 1200, delta=50)
        # Lambda's own lines come with failures only
        level = deployed()["Resources"]["Forwarder"]["Properties"]["LoggingConfig"]["SystemLogLevel"]
        self.assertEqual(level, "WARN")
