"""Runs `jwhook` against a deployed stack: part of `make prove`."""

import json

from emulators.cloud import Json
from emulators.jw_api import JwApi, webhook
from make_events import compact, read, sign
from prove.checks import StackChecks, signed

LARGE = {**json.loads(signed("conversions_complete")), "title": "x" * 40_000}
SEEN, DROPPED = "UUhbHm6C", "Dr0pp3d1"


def large_event() -> Json:
    """An event so large that the function logs it in two lines. The real API Gateway would reject its long token."""
    body = compact(LARGE)
    return {**read("conversions_complete"), "headers": {"authorization": f"Bearer {sign(body)}"}, "body": body.decode()}


def doctor_says(proof: StackChecks, stack: str, **warned: str) -> None:
    code, report = proof.cloud.jwhook(stack, "doctor")
    found = {check["check"]: check["status"] for check in report["checks"] if check["status"] != "skip"}
    well = ("credentials", "clock", "stack", "version", "endpoint", "region", "secret", "keys", "queue", "dead_letter",
            "held", "accepted")  # fmt: skip
    proof.check("jwhook doctor reports each part of the stack", [code, found], [0, {**dict.fromkeys(well, "ok"), **warned}])


def recovers(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    _, found = proof.cloud.jwhook(stack, "recover", "--dry-run")
    proof.check("jwhook recover finds the undelivered events, and joins the parts of the large one",
                [event["event"] for event in found["events"]], ["media_available", "conversions_complete"])  # fmt: skip
    proof.check("a dry run sends nothing", proof.cloud.receive(outputs["QueueUrl"]), [])
    code, done = proof.cloud.jwhook(stack, "recover", "--yes")
    proof.check("jwhook recover's exit code, and the number of events sent", [code, done["sent"]], [0, 2])
    bodies = {message["Body"].encode() for message in proof.cloud.receive(outputs["QueueUrl"])}
    proof.check("the queue has both events as signed", bodies, {signed("media_available"), compact(LARGE)})


def finds_what_is_missed(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    """Proves that jwhook finds a medium of JW whose event never reached the function. JW has two media."""
    claims = json.loads(signed("media_available"))
    calling = webhook(outputs["WebhookUrl"], claims["webhook_id"], claims["site_id"])
    with JwApi([calling], {claims["site_id"]: [SEEN, DROPPED]}) as jw:
        code, found = proof.cloud.jwhook(stack, "missed", environment=jw.environment)
    missing = [(one["event"], one["media_id"]) for one in found["missing"]]
    proof.check("jwhook missed exits with 1 and names the medium whose event was dropped on purpose",
                [code, missing], [1, [("media_available", DROPPED)]])  # fmt: skip


def moves(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    """Moves the webhook from the Function URL to the HTTP API."""
    claims = json.loads(signed("media_available"))
    calling = webhook(outputs["WebhookUrlFunctionUrl"], claims["webhook_id"], claims["site_id"])
    with JwApi([calling], {}) as jw:
        command = ("update", claims["webhook_id"], "--to", "http-api", "--settle", "0")
        code, shown = proof.cloud.jwhook(stack, *command, environment=jw.environment)
    url = calling["metadata"]["webhook_url"]
    proof.check("jwhook update --to moves the webhook, and says that the webhook calls this stack",
                [code, url, shown["calls_this_stack"]], [0, outputs["WebhookUrlHttpApi"], True])  # fmt: skip
