"""What `jwhook` says and does of a deployed stack: part of `make prove`."""

import json

from cloud import Json
from jw_api import JwApi, webhook
from make_events import FOLDER, compact, sign
from stack_checks import StackChecks, signed

LARGE = {**json.loads(signed("conversions_complete")), "title": "x" * 40_000}
SEEN, DROPPED = "UUhbHm6C", "Dr0pp3d1"


def large_event() -> Json:
    """A gateway's event whose record takes two lines of the log. A real gateway's headers could not hold its token."""
    event: Json = json.loads((FOLDER / "conversions_complete.json").read_text(encoding="utf-8"))
    body = compact(LARGE)
    return {**event, "headers": {"authorization": f"Bearer {sign(body)}"}, "body": body.decode()}


def doctor_says(proof: StackChecks, stack: str, **warned: str) -> None:
    code, report = proof.cloud.jwhook(stack, "doctor")
    found = {check["check"]: check["status"] for check in report["checks"] if check["status"] != "skip"}
    well = ("credentials", "clock", "stack", "version", "endpoint", "region", "secret", "keys", "queue", "dead_letter",
            "held", "accepted")  # fmt: skip
    proof.check("jwhook doctor finds each part of the stack", [code, found], [0, {**dict.fromkeys(well, "ok"), **warned}])


def recovers(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    _, found = proof.cloud.jwhook(stack, "recover", "--dry-run")
    proof.check("jwhook recover finds what was not delivered, and joins the parts",
                [event["event"] for event in found["events"]], ["media_available", "conversions_complete"])  # fmt: skip
    proof.check("and sends nothing in a dry run", proof.cloud.receive(outputs["QueueUrl"]), [])
    code, done = proof.cloud.jwhook(stack, "recover", "--yes")
    proof.check("its exit code, and how many it recovers", [code, done["sent"]], [0, 2])
    bodies = {message["Body"].encode() for message in proof.cloud.receive(outputs["QueueUrl"])}
    proof.check("both are in the queue as if they had never failed", bodies, {signed("media_available"), compact(LARGE)})


def finds_what_is_missed(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    """JW has two media, and the events of one of them never reached the function."""
    claims = json.loads(signed("media_available"))
    calling = webhook(outputs["WebhookUrl"], claims["webhook_id"], claims["site_id"])
    with JwApi([calling], {claims["site_id"]: [SEEN, DROPPED]}) as jw:
        code, found = proof.cloud.jwhook(stack, "missed", environment=jw.environment)
    missing = [(one["event"], one["media_id"]) for one in found["missing"]]
    proof.check("jwhook missed names the one medium whose event was dropped on purpose, and exits with 1",
                [code, missing], [1, [("media_available", DROPPED)]])  # fmt: skip


def moves(proof: StackChecks, stack: str, outputs: dict[str, str]) -> None:
    """With both endpoints, the webhook moves from the Function URL to the HTTP API."""
    claims = json.loads(signed("media_available"))
    calling = webhook(outputs["WebhookUrlFunctionUrl"], claims["webhook_id"], claims["site_id"])
    with JwApi([calling], {}) as jw:
        command = ("update", claims["webhook_id"], "--to", "http-api", "--settle", "0")
        code, shown = proof.cloud.jwhook(stack, *command, environment=jw.environment)
    url = calling["metadata"]["webhook_url"]
    proof.check("jwhook update --to moves the webhook, which is this stack's at either URL",
                [code, url, shown["calls_this_stack"]], [0, outputs["WebhookUrlHttpApi"], True])  # fmt: skip
