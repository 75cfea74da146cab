"""Creates the events for the measurements, the same events in each run. Other modules import this file."""

import json
import random
import string
from dataclasses import dataclass
from typing import Any

from make_events import OTHER_SECRET, claims, compact, request, sign

WEBHOOK, SITE = "7Rav0hC5", "jsPxIVHl"
KINDS = ("media_available", "conversions_complete", "media_updated", "media_created")
SEED = 20231114


@dataclass(frozen=True)
class Event:
    """An event for the function, with the expected status of the answer and the expected message in the queue."""

    payload: bytes
    status: int
    message: str | None  # the expected message's body; None: no message


def accepted(number: int, *, spaced: bool = False, size: int = 0) -> list[Event]:
    """Valid events. `spaced`: the body has white space that the signed claims do not have. `size`: the body's bytes."""
    events = []
    for index, signed in enumerate(payloads(number, size)):
        body = json.dumps(json.loads(signed)).encode() if spaced else signed
        events.append(Event(api_request(index, body, sign(signed)), 200, signed.decode()))
    return events


def forged(number: int) -> list[Event]:
    """Events signed with another secret."""
    return [
        Event(api_request(index, body, sign(body, OTHER_SECRET)), 401, None)
        for index, body in enumerate(payloads(number, 0))
    ]


def payloads(number: int, size: int) -> list[bytes]:
    draw = random.Random(SEED)
    alphabet = string.ascii_letters + string.digits
    bodies = []
    for index in range(number):
        medium = "".join(draw.choice(alphabet) for _ in range(8))
        time = f"2023-11-14T22:{index // 60 % 60:02}:{index % 60:02}+00:00"
        event: dict[str, Any] = claims(KINDS[index % len(KINDS)], "media_id", medium, WEBHOOK, SITE, time)
        if size:
            room = size - len(compact({**event, "description": ""}))
            event["description"] = ("The quick brown fox jumps over the lazy dog. " * size)[:room]
        bodies.append(compact(event))
    return bodies


def api_request(index: int, body: bytes, token: str) -> bytes:
    return compact(request(f"event {index}", body, f"Bearer {token}"))
