"""JW's documented check of a webhook. The Rust tests start this program and compare its verdicts with the function's.

Reads {"token": "…", "secret": "…", "body": "base64 of the body's bytes"} from each line of stdin, and prints
{"accepts": true, "event_id": "…"} or {"accepts": false, "event_id": null}, in the same order.
"""

import base64
import hashlib
import json
import sys
import warnings
from typing import Any

import jwt


def documented_check(token: str, secret: str, body: bytes) -> dict[str, Any] | None:
    """If the request passes the check in JW's documentation, returns the claims, otherwise None."""
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"])
        return claims if claims == json.loads(body) else None
    except Exception:  # JSON too deep, not UTF-8, number too long: JW's receiver would fail too
        return None


def event_id(claims: dict[str, Any]) -> str:
    """Computes the event_id as docs/messages.md says."""
    signed = {name: value for name, value in claims.items() if name != "webhook_id"}
    canonical = json.dumps(signed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def main() -> None:
    warnings.simplefilter("ignore")  # PyJWT warns about short keys, which tests use on purpose
    for line in sys.stdin:
        question = json.loads(line)
        claims = documented_check(question["token"], question["secret"], base64.b64decode(question["body"]))
        answer = {"accepts": claims is not None, "event_id": None if claims is None else event_id(claims)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
