"""One line of each kind that the binary prints, and what such lines and the saved queries name.

Exists because an alarm on a metric that no line has, or a saved query for a member that no line has, deploys well and
never says anything. tests/it/telemetry/lines.rs holds lines.jsonl against the binary, and prints what is to be in it.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FILE = Path(__file__).with_name("lines.jsonl")
LINES: list[Json] = [json.loads(text) for text in FILE.read_text(encoding="utf-8").splitlines()]
# The words of Logs Insights that the saved queries and the dashboard use.
LANGUAGE = {"fields", "filter", "stats", "sort", "limit", "asc", "desc", "by", "and", "or", "in", "count", "earliest",
            "latest", "ispresent"}  # fmt: skip


def emitted(lines: Iterable[Json]) -> set[tuple[str, str, tuple[str, ...]]]:
    """Namespace, name and dimensions of each metric that CloudWatch reads from these lines."""
    return {
        (directive["Namespace"], metric["Name"], tuple(dimensions))
        for line in lines
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
        if {metric["Name"], *dimensions} <= line.keys()
    }


def members(value: Any, prefix: str = "") -> set[str]:
    """The names of a line's members, those within another as Logs Insights has them: undelivered.event_id."""
    if not isinstance(value, dict):
        return {prefix}
    return {prefix}.union(*(members(inner, f"{prefix}.{name}" if prefix else name) for name, inner in value.items()))


def fields(query: str) -> set[str]:
    """The members of lines that a query names: all its words but the language's, Logs Insights' own (@) and values."""
    return set(re.findall(r"(?<![@\w.])[a-z_][\w.]*", re.sub(r"'[^']*'", "", query))) - LANGUAGE
