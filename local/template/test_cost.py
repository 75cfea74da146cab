"""The README's table of costs: its sums, and what it counts of the template."""

import re
import unittest
from functools import cache

from translated import ROOT, Json, of_type, template

ROW = re.compile(r"^\| (?P<what>[^|]+?) \| ?(?P<amount>[^|]*?) ?\| (?P<usd>[*\d.]+) \|", re.MULTILINE)
OF_ACCEPTED_EVENTS = 4  # Accepted, Duration and EventAge by function, and Accepted by function and reason


@cache
def rows() -> dict[str, tuple[str, float]]:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it costs")[1].split("\n## ")[0]
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
        # a filter that counts lines has a metric in the hours only in which there is such a line
        filters = [f["MetricTransformations"][0] for f in by_default("AWS::Logs::MetricFilter")]
        metrics = OF_ACCEPTED_EVENTS + sum(f["MetricValue"] != "1" or "DefaultValue" in f for f in filters)
        self.assertTrue(rows()["Metrics"][0].startswith(f"{metrics} × 0.30"), rows()["Metrics"])
        self.assertAlmostEqual(rows()["Metrics"][1], metrics * 0.3)
        self.assertEqual(len(by_default("AWS::CloudWatch::Dashboard")), 1)

    def test_are_the_product_of_amount_and_price(self) -> None:
        self.assertAlmostEqual(rows()["Lambda, duration"][1], 1e6 * 0.020 * 0.25 * 0.0000133334, places=2)
        self.assertAlmostEqual(rows()["SQS, the empty held queue"][1], 30.4 * 86400 / 20 * 5 / 1e6 * 0.40, places=2)
        fetches = 30 * 86400 / int(template()["Parameters"]["SecretTtlSeconds"]["Default"])
        self.assertAlmostEqual(rows()["Secrets Manager"][1], 0.40 + fetches * 0.05 / 10_000, places=2)
        self.assertAlmostEqual(rows()["Logs"][1], 1e6 * 1.8e3 / 1e9 * 0.50, places=2)
