"""Writes events/*.json, the requests of the demo and the tests. Run it (`make events`) after a change of this file.

`--check` exits with 1 if a file differs from what this program writes.
"""

import base64
import hashlib
import json
import struct
import sys
import zlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parent.parent / "events"
SECRET = "efZQiWvaaoqx1Hpgi-hhLGInZUhWa1UyWjVaVk5ZVldoR2FVZERja3BoV0hWNE4xTjYn"  # from JW's documentation
KEY_RING = json.dumps({"7Rav0hC5": SECRET, "2yW4KmiG": SECRET})  # the webhooks of events/
OTHER_SECRET = "not-the-webhooks-secret-but-one-that-is-long-enough"
MAX_BODY_BYTES = 262_144
# The signature of media_available. JW publishes no token. All programs that create or read our token must agree on it.
MEDIA_AVAILABLE_SIGNATURE = "8h9tFQ_o4ZUq1aOa5M003WOU7hAGFgLQTzhbjfzZbsw"

API_ID = "a1b2c3d4e5"
HOST = f"{API_ID}.execute-api.us-east-1.amazonaws.com"
PATH = "/webhooks/jwplayer"
SENDER = "203.0.113.7"  # an address for documentation (RFC 5737)
USER_AGENT = "jw-webhook-sample/1.0"  # JW does not document its User-Agent


def claims(event: str, subject: str, subject_id: str, webhook_id: str, site_id: str, event_time: str) -> Json:
    """An event with the members that JW sends, in JW's order."""
    return {"event": event, subject: subject_id, "webhook_id": webhook_id, "site_id": site_id, "event_time": event_time}


def media(event: str, event_time: str) -> Json:
    return claims(event, "media_id", "UUhbHm6C", "7Rav0hC5", "jsPxIVHl", event_time)


def channel(event: str, channel_id: str, event_time: str) -> Json:
    return claims(event, "channel_id", channel_id, "2yW4KmiG", "9KboGBFu", event_time)


MEDIA_AVAILABLE = media("media_available", "2023-11-14T22:30:10+00:00")  # the sample in JW's documentation

DOCUMENTED = [
    channel("channel_active", "YijbmYHJ", "2024-08-29T03:01:24+00:00"),
    channel("channel_created", "YijbmYHJ", "2024-08-29T02:59:57+00:00"),
    channel("channel_idle", "t8JLGRl9", "2024-08-29T03:00:34+00:00"),
    claims("conversions_complete", "media_id", "MNYaMSQl", "2yW4KmiG", "9KboGBFu", "2024-08-27T00:20:57+00:00"),
    MEDIA_AVAILABLE,
    media("media_created", "2023-11-14T22:27:41+00:00"),
    media("media_deleted", "2023-11-16T09:12:03+00:00"),
    media("media_reuploaded", "2023-11-15T14:05:36+00:00"),
    media("media_updated", "2023-11-15T08:44:19+00:00"),
]


def compact(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sign(payload: bytes, secret: str = SECRET) -> str:
    """The token that JW would send with the payload. PyJWT signs it, because a test must not use the tested code."""
    return jwt.PyJWS().encode(payload, secret, algorithm="HS256")


def read(name: str) -> Json:
    """A file of events/."""
    event: Json = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return event


def signed(event: Json) -> bytes:
    """The payload that JW signed. The queue's message must have these bytes, not the bytes of the request's body."""
    part = event["headers"]["authorization"].split()[1].split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def request(
    name: str,
    body: bytes | None,
    authorization: str | None,
    *,
    method: str = "POST",
    content_encoding: str | None = None,
    event_time: str = MEDIA_AVAILABLE["event_time"],
) -> Json:
    """API Gateway's event for a request that arrives a second after `event_time`."""
    digest = hashlib.sha256(name.encode()).digest()  # replaces AWS's random ids
    time = datetime.fromisoformat(event_time) + timedelta(seconds=1)
    epoch = int(time.timestamp())
    headers = {
        "accept": "*/*",
        "authorization": authorization,
        "content-encoding": content_encoding,
        "content-length": None if body is None else str(len(body)),
        "content-type": None if body is None else "application/json",
        "host": HOST,
        "user-agent": USER_AGENT,
        "x-amzn-trace-id": f"Root=1-{epoch:08x}-{digest[:12].hex()}",
        "x-forwarded-for": SENDER,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    event: Json = {
        "version": "2.0",
        "routeKey": f"{method} {PATH}",
        "rawPath": PATH,
        "rawQueryString": "",
        "headers": {header: value for header, value in headers.items() if value is not None},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": API_ID,
            "domainName": HOST,
            "domainPrefix": API_ID,
            "http": {
                "method": method,
                "path": PATH,
                "protocol": "HTTP/1.1",
                "sourceIp": SENDER,
                "userAgent": USER_AGENT,
            },
            "requestId": base64.b64encode(digest[:11]).decode(),
            "routeKey": f"{method} {PATH}",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": epoch * 1000,
        },
    }
    if body is not None:
        # API Gateway encodes a body with a Content-Encoding as base64
        event["body"] = base64.b64encode(body).decode() if content_encoding else body.decode()
    event["isBase64Encoded"] = content_encoding is not None
    return event


def gzip(data: bytes) -> bytes:
    """A gzip file with one stored block. gzip.compress is not used, because its bytes differ between Python versions."""
    block = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block + struct.pack("<II", zlib.crc32(data), len(data))


def with_an_unused_bit(token: str) -> str:
    """Sets an unused bit in the signature's last character. A lenient decoder does not see the difference."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def authentic(name: str, event: Json) -> Json:
    return request(name, compact(event), f"Bearer {sign(compact(event))}", event_time=event["event_time"])


def refused() -> dict[str, Json]:
    """For each reason of a refusal, a request with only this fault, in the order of the checks.

    With a key ring, the function refuses `claims_malformed` as `webhook_unknown`, because unreadable claims name no
    webhook. With a single secret, it refuses `webhook_unknown` as `signature_invalid`. It accepts `event_stale` if
    MAX_EVENT_AGE_SECONDS is not set.
    """
    body = compact(MEDIA_AVAILABLE)
    token = sign(body)
    unknown = compact({**MEDIA_AVAILABLE, "webhook_id": "nBdy0KnW"})
    # most libraries, for example PyJWT, use the second media_id
    twice = body.replace(b'"media_id":', b'"media_id":"MNYaMSQl","media_id":')
    return {
        "method_not_allowed": request("method_not_allowed", None, f"Bearer {token}", method="GET"),
        # with one space less after the object, the function would accept the event
        "body_too_large": request("body_too_large", body.ljust(MAX_BODY_BYTES + 1), f"Bearer {token}"),
        "content_encoding_unsupported": request(
            "content_encoding_unsupported", gzip(body), f"Bearer {token}", content_encoding="gzip"
        ),
        "authorization_missing": request("authorization_missing", body, None),
        "authorization_malformed": request("authorization_malformed", body, "Basic andwbGF5ZXI6d2ViaG9vaw=="),
        "token_malformed": request("token_malformed", body, f"Bearer {with_an_unused_bit(token)}"),
        "algorithm_not_allowed": request(
            "algorithm_not_allowed", body, "Bearer " + jwt.encode(MEDIA_AVAILABLE, None, algorithm="none")
        ),
        "webhook_unknown": request("webhook_unknown", unknown, f"Bearer {sign(unknown, OTHER_SECRET)}"),
        "forged": request("forged", body, f"Bearer {sign(body, OTHER_SECRET)}"),  # reason: signature_invalid
        "claims_malformed": request("claims_malformed", twice, f"Bearer {sign(twice)}"),
        "claims_not_valid": authentic("claims_not_valid", {**MEDIA_AVAILABLE, "exp": 1_700_000_000}),
        "body_malformed": request("body_malformed", body[:-1], f"Bearer {token}"),
        "body_mismatch": request("body_mismatch", body.replace(b"UUhbHm6C", b"MNYaMSQl"), f"Bearer {token}"),
        "event_stale": authentic("event_stale", media("media_available", "2019-03-05T10:15:42+00:00")),
    }


def all_events() -> dict[str, Json]:
    if not sign(compact(MEDIA_AVAILABLE)).endswith(f".{MEDIA_AVAILABLE_SIGNATURE}"):
        sys.exit(f"error: PyJWT {jwt.__version__} signs the sample differently from 2.15. Run `make venv`")
    thumbnail = {**media("thumbnail_created", "2023-11-14T22:31:55+00:00"), "thumbnail_id": "Vq3Tb8Lx"}
    events = {event["event"]: authentic(event["event"], event) for event in DOCUMENTED}
    return {**events, "unknown_event": authentic("unknown_event", thumbnail), **refused()}


def main() -> None:
    files = {f"{name}.json": json.dumps(event, indent=2) + "\n" for name, event in all_events().items()}
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    if sys.argv[1:] == ["--check"]:
        wrong = sorted(name for name in files.keys() | on_disk.keys() if files.get(name) != on_disk.get(name))
        if wrong:
            sys.exit(f"error: files of events/ differ from local/make_events.py: {', '.join(wrong)}\nRun `make events`.")
        print(f"events/: {len(files)} files are up to date")
    elif sys.argv[1:]:
        sys.exit("usage: make_events.py [--check]")
    else:
        FOLDER.mkdir(exist_ok=True)
        for name in on_disk.keys() - files.keys():
            (FOLDER / name).unlink()
        for name, text in files.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"events/: {len(files)} files written")


if __name__ == "__main__":
    main()
