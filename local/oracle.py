"""JW's documented check of a webhook, one request a line, so that the Rust tests can ask it thousands of times.

Reads {"token": "…", "secret": "…", "body": "base64 of the body's bytes"} from each line of stdin, and answers
with {"accepts": true, "event_id": "…"} or {"accepts": false, "event_id": null}, in the same order.
"""

import base64
import hashlib
import json
import sys
import warnings
from typing import Any

import jwt


def documented_check(token: str, secret: str, body: bytes) -> dict[str, Any] | None:
    """The claims, if JW's documentation would have the receiver trust them."""
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"])
        return claims if claims == json.loads(body) else None
    except Exception:  # whatever it is (too deep, not UTF-8, too long a number), a receiver written so has not accepted
        return None


def event_id(claims: dict[str, Any]) -> str:
    """The formula that the forwarder documents for its consumers."""
    signed = {name: value for name, value in claims.items() if name != "webhook_id"}
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def main() -> None:
    warnings.simplefilter("ignore")  # PyJWT's, about short keys: the tests mean them
    for line in sys.stdin:
        question = json.loads(line)
        claims = documented_check(question["token"], question["secret"], base64.b64decode(question["body"]))
        answer = {"accepts": claims is not None, "event_id": None if claims is None else event_id(claims)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
