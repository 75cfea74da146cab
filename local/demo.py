"""`make demo`: sends each documented event, one without the secret, and some bad requests to the release binary.

Run it to see the function at work without an AWS account. It fails if an answer, log line or message is not as promised.
"""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from make_events import KEY_RING, read, signed
from message_schema import violations
from oracle import event_id
from processes import LocalError, exit_with
from stack import Answer, Message, Stack, running

ROUTED_ON = ("event", "webhook_id", "site_id", "media_id", "channel_id")

HELD = "media_created"  # sent while the secret is deleted
ACCEPTED = [
    "conversions_complete",
    "media_available",
    "media_updated",
    "media_reuploaded",
    "media_deleted",
    "channel_created",
    "channel_active",
    "channel_idle",
    "unknown_event",
]
# Each bad request with its fault, the expected status and the expected reason. content_encoding_unsupported is missing,
# because cargo lambda watch itself answers a request with a compressed body.
REFUSED = {
    "forged": ("signed with another secret", 401, "signature_invalid"),
    "body_mismatch": ("body changed in transit", 401, "body_mismatch"),
    "authorization_missing": ("no Authorization header", 401, "authorization_missing"),
    "algorithm_not_allowed": ("alg: none, and no signature", 401, "algorithm_not_allowed"),
    "authorization_malformed": ("Basic, not Bearer", 401, "authorization_malformed"),
    "token_malformed": ("one bit too many in the token", 401, "token_malformed"),
    "webhook_unknown": ("unknown webhook", 401, "webhook_unknown"),
    "claims_not_valid": ("expired token", 401, "claims_not_valid"),
    "body_malformed": ("body cut short", 400, "body_malformed"),
    "body_too_large": ("body of 262,145 bytes", 413, "body_too_large"),
    "method_not_allowed": ("a GET", 405, "method_not_allowed"),
}
# The HTTP client sets these headers itself.
OF_THE_CONNECTION = {"host", "content-length"}


@dataclass
class Delivery:
    """One request, with its answer, log lines and messages."""

    name: str
    event: dict[str, Any]
    answer: Answer
    log: list[dict[str, Any]]  # one line for the request, and one for each attempt to forward a held event
    messages: list[Message] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def expect(self, what: str, found: object, promised: object) -> bool:
        if found != promised:
            self.complaints.append(f"{what} is {found!r}, not {promised!r}")
        return found == promised


def main() -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"  {time.monotonic() - began:4.1f} s  {text}", flush=True)

    with running(KEY_RING, say, secret_is_deleted=True) as stack:
        say(f"sending an event to {stack.url}. Without the secret, the function holds it")
        held = deliver(stack, HELD)
        say("restoring the secret, then polling the held queue as Lambda does")
        stack.restore_secret()
        held.log += stack.forward_held_events()
        say(f"sending {len(ACCEPTED)} events and {len(REFUSED)} bad requests")
        deliveries = [held, *(deliver(stack, name) for name in [*ACCEPTED, *REFUSED])]
        say("reading the queue")
        messages = empty_queue(stack)
        strays = assign(messages, deliveries)
        for delivery in deliveries:
            judge = judge_refused if delivery.name in REFUSED else judge_accepted
            (judge_held if delivery is held else judge)(delivery)
        print_table(deliveries)
        complaints = [f"{delivery.name}: {complaint}" for delivery in deliveries for complaint in delivery.complaints]
        complaints += [f"unexpected message in the queue: {message.body!r}" for message in strays]
        if complaints:
            raise LocalError("\n  ".join(["the function broke its promise. Correct the code:", *complaints]))
    print(f"{len(deliveries)} requests, {len(messages)} messages: each as promised. Nothing is left running.")
    print("Next: `make run` runs the function until Ctrl-C and prints a curl command to send.")
    print("events/ has the requests, local/stack.py starts the processes. Read on in docs/development.md.")
    return 0


def deliver(stack: Stack, name: str) -> Delivery:
    event = read(name)
    body = event.get("body", "").encode()
    headers = {header: value for header, value in event["headers"].items() if header not in OF_THE_CONNECTION}
    answer = stack.send(event["requestContext"]["http"]["method"], headers, body)
    return Delivery(name, event, answer, [stack.wait_for_log_line()])


def empty_queue(stack: Stack) -> list[Message]:
    messages: list[Message] = []
    while batch := stack.receive():
        messages += batch
    return messages


def assign(messages: list[Message], deliveries: list[Delivery]) -> list[Message]:
    """Assigns each message to its request, and returns the messages that belong to no request."""
    accepted = {d.log[-1]["event_id"]: d for d in deliveries if d.log[-1]["outcome"] == "accepted"}
    strays: list[Message] = []
    for message in messages:
        delivery = accepted.get(message.attributes.get("event_id", ""))
        (delivery.messages if delivery else strays).append(message)
    return strays


def judge_accepted(delivery: Delivery) -> None:
    if not delivery.expect("the answer's status", delivery.answer.status, 200):
        return
    for message in judge_queued(delivery):
        receipt = {"event_id": message.attributes["event_id"], "message_id": message.id}
        delivery.expect("the answer's body", as_json(delivery.answer.body), receipt)


def judge_held(delivery: Delivery) -> None:
    if not delivery.expect("the answer's status", delivery.answer.status, 503):
        return
    delivery.expect("Retry-After", delivery.answer.headers["Retry-After"], "5")
    of_the_request, *_, of_the_last_attempt = [(line["source"], line["outcome"], line["reason"]) for line in delivery.log]
    delivery.expect("the log of the request", of_the_request, ("webhook", "held", "secret_unavailable"))
    delivery.expect("the log of the last attempt", of_the_last_attempt, ("held_queue", "accepted", "none"))
    judge_queued(delivery)


def judge_queued(delivery: Delivery) -> list[Message]:
    payload = signed(delivery.event)
    claims = json.loads(payload)
    the_id = event_id(claims)
    delivery.expect("the log's outcome", delivery.log[-1]["outcome"], "accepted")
    delivery.expect("the log's event_id", delivery.log[-1].get("event_id"), the_id)
    delivery.expect("the number of messages in the queue", len(delivery.messages), 1)
    for message in delivery.messages:
        promised = {"event_id": the_id, **{name: claims[name] for name in ROUTED_ON if name in claims}}
        delivery.expect("the message's body", message.body.encode(), payload)
        delivery.expect("the message's attributes", message.attributes, promised)
        differences = violations(message.body, message.attributes)
        delivery.expect("the list of differences from docs/message.schema.json", differences, [])
    return delivery.messages


def judge_refused(delivery: Delivery) -> None:
    _, status, reason = REFUSED[delivery.name]
    if not delivery.expect("the answer's status", delivery.answer.status, status):
        return
    delivery.expect("the log's outcome", delivery.log[-1]["outcome"], "refused")
    delivery.expect("the log's reason", delivery.log[-1]["reason"], reason)
    delivery.expect("the number of messages in the queue", len(delivery.messages), 0)
    if status == 401:
        delivery.expect("the answer's body", delivery.answer.body, b'{"error":"unauthorized"}')
        delivery.expect("WWW-Authenticate", delivery.answer.headers["WWW-Authenticate"], "Bearer")
    else:
        answer = as_json(delivery.answer.body)
        delivery.expect("an error in the answer's body", isinstance(answer, dict) and "error" in answer, True)
    if status == 405:
        delivery.expect("Allow", delivery.answer.headers["Allow"], "POST")


def as_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body


def print_table(deliveries: list[Delivery]) -> None:
    widths = (29, 6, 23, 31, 6)

    def row(*cells: object) -> None:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())

    print()
    row("sent", "answer", "in the log", "in the queue", "")
    row(*("-" * width for width in widths))
    for delivery in deliveries:
        sent = REFUSED[delivery.name][0] if delivery.name in REFUSED else json.loads(signed(delivery.event))["event"]
        sent += ", secret deleted" if delivery.name == HELD else ""
        row(sent, delivery.answer.status, logged(delivery.log), arrived(delivery.messages), verdict(delivery))
    print()


def logged(lines: list[dict[str, Any]]) -> str:
    said = [line["reason"] if line["outcome"] == "refused" else line["outcome"] for line in lines]
    return ", then ".join(dict.fromkeys(said))  # each outcome once, because the first attempt may come too early


def arrived(messages: list[Message]) -> str:
    if len(messages) != 1:
        return f"{len(messages)} messages" if messages else "-"
    found = messages[0].attributes
    return f"{found.get('media_id') or found.get('channel_id')}  event_id {found['event_id'][:12]}"


def verdict(delivery: Delivery) -> str:
    text, colour = ("failed", 31) if delivery.complaints else ("ok", 32)
    coloured = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
    return f"\033[{colour}m{text}\033[0m" if coloured else text


if __name__ == "__main__":
    exit_with(main)
