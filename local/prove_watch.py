"""Whether what watches a stack reads what the deployed binary printed: part of `make prove`.

Exists because an alarm on a metric that no line has, or a saved query for a member that no line has, deploys well and
never says anything.
"""

import re
from typing import Any

from cloud import Json
from stack_checks import StackChecks

NAMESPACE = "JwWebhookForwarder"
BY_FUNCTION = ["FunctionName"]
# The words of Logs Insights that the saved queries use.
LANGUAGE = {"fields", "filter", "stats", "sort", "limit", "asc", "desc", "by", "and", "or", "in", "count", "earliest",
            "latest", "ispresent"}  # fmt: skip


def reads_what_was_printed(proof: StackChecks) -> None:
    lines = proof.cloud.lines
    printed = set().union(*map(members, lines))
    queries = {n: r["Properties"]["QueryString"] for n, r in resources(proof, "AWS::Logs::QueryDefinition").items()}
    unknown = {name: fields(query) - printed for name, query in queries.items()}
    proof.check("each saved query reads members of lines that were printed", unknown, {name: set() for name in queries})

    emitted = {
        metric["Name"]
        for line in lines
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
        if directive["Namespace"] == NAMESPACE and BY_FUNCTION in directive["Dimensions"] and metric["Name"] in line
    }
    watched = {metric for alarm in resources(proof, "AWS::CloudWatch::Alarm").values() for metric in own_metrics(alarm)}
    proof.check("each alarm on the function's own metrics has lines that emitted them", watched - emitted, set())
    refused = [line for line in lines if line.get("outcome") == "refused"]
    proof.check("a refusal's line has Accepted, 0, for OnlyRefusals", {line.get("Accepted") for line in refused}, {0})


def resources(proof: StackChecks, kind: str) -> Json:
    return {name: r for name, r in proof.template["Resources"].items() if r["Type"] == kind}


def fields(query: str) -> set[str]:
    """The members of lines that a query names: all its words but the language's, Logs Insights' own (@) and values."""
    return set(re.findall(r"(?<![@\w.])[a-z_][\w.]*", re.sub(r"'[^']*'", "", query))) - LANGUAGE


def members(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {prefix}
    return {prefix}.union(*(members(inner, f"{prefix}.{name}" if prefix else name) for name, inner in value.items()))


def own_metrics(alarm: Json) -> set[str]:
    """The names of the metrics in the function's namespace, of an alarm on one or on an expression."""
    found, waiting = set(), [alarm["Properties"]]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("Namespace") == NAMESPACE:
                found.add(part["MetricName"])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found
