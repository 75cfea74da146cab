"""Reads the binary's log lines, calls to AWS and default settings, which Rust tests record in files.

An alarm or a saved query may read a metric or a member that no log line has. Its deployment succeeds, but the alarm or
the query never finds anything. Other modules import this file.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def recorded(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


# tests/it/telemetry/lines.rs records a line of each kind, and the calls to AWS.
LINES: list[Json] = [json.loads(line) for line in recorded("lines.jsonl").splitlines()]
CALLS: list[str] = json.loads(recorded("calls.json"))
# src/config/tests.rs records the variables with their defaults, and the longest time of a request.
SETTINGS: Json = json.loads(recorded("settings.json"))
# The keywords of Logs Insights that the saved queries and the dashboard use.
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
    """The names of a line's members, as Logs Insights writes them: undelivered.event_id."""
    if not isinstance(value, dict):
        return {prefix}
    return {prefix}.union(*(members(inner, f"{prefix}.{name}" if prefix else name) for name, inner in value.items()))


def fields(query: str) -> set[str]:
    """The members that a query names: all words except keywords, values, and Logs Insights' own fields (@...)."""
    return set(re.findall(r"(?<![@\w.])[a-z_][\w.]*", re.sub(r"'[^']*'", "", query))) - LANGUAGE
