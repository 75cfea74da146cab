"""Compares alarms and saved queries with the lines that the deployed binary printed: part of `make prove`.

An alarm or a saved query may read a metric or a member that no line has. Nothing fails, but it never finds anything.
"""

from emulators.cloud import Json
from prove.checks import StackChecks
from checks.template.printed import emitted, fields, members

NAMESPACE = "JwWebhookForwarder"
BY_FUNCTION = ("FunctionName",)


def reads_what_was_printed(proof: StackChecks) -> None:
    lines = proof.cloud.lines
    printed = set().union(*map(members, lines))
    queries = {n: r["Properties"]["QueryString"] for n, r in resources(proof, "AWS::Logs::QueryDefinition").items()}
    unknown = {name: fields(query) - printed for name, query in queries.items()}
    proof.check("each saved query reads members that printed lines have", unknown, {name: set() for name in queries})

    counted = {name for namespace, name, dimensions in emitted(lines) if (namespace, dimensions) == (NAMESPACE, BY_FUNCTION)}
    watched = {metric for alarm in resources(proof, "AWS::CloudWatch::Alarm").values() for metric in own_metrics(alarm)}
    proof.check("printed lines have each metric that an alarm reads", watched - counted, set())
    refused = [line for line in lines if line.get("outcome") == "refused"]
    proof.check("a refusal's line has Accepted=0, for the alarm OnlyRefusals", {line.get("Accepted") for line in refused}, {0})


def resources(proof: StackChecks, kind: str) -> Json:
    return {name: r for name, r in proof.template["Resources"].items() if r["Type"] == kind}


def own_metrics(alarm: Json) -> set[str]:
    """The names of the alarm's metrics in the function's namespace."""
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
