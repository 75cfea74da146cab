"""JW's documented check of a webhook. The Rust tests start this program and compare thousands of verdicts.

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
    """The claims, if the request passes the check in JW's documentation."""
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"])
        return claims if claims == json.loads(body) else None
    except Exception:  # too deep, not UTF-8, a number too long: the documented receiver would not accept either
        return None


def event_id(claims: dict[str, Any]) -> str:
    """The formula of docs/messages.md."""
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
