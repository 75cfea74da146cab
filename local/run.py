"""`make run`: runs the function until Ctrl-C. Prints a curl command with an event, and a line for each event.

Run it to change a request and see the verdict. PORT=9010 sets the port; the function's optional settings work too:
`make run MAX_EVENT_AGE_SECONDS=600`.
"""

import os
import time
from datetime import datetime
from typing import Any

from make_events import KEY_RING, MEDIA_AVAILABLE, compact, sign
from processes import LocalError, exit_with
from stack import OPTIONAL_SETTINGS, Message, Stack, running

POLL_SECONDS = 0.25  # short enough to look immediate


def main() -> int:
    settings = {name: os.environ[name] for name in OPTIONAL_SETTINGS if name in os.environ}
    port = wanted_port()
    try:
        with running(KEY_RING, say, port, settings) as stack:
            say(f"listening on {stack.url}; in another terminal:\n\n{curl_line(stack.url)}\n")
            say("send the request, or change a character and see the refusal; Ctrl-C stops everything")
            show_what_happens(stack)
    except KeyboardInterrupt:
        print()
        say("stopped; nothing is left running")
    return 0


def wanted_port() -> int | None:
    text = os.environ.get("PORT")
    if not text:
        return None
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise LocalError(f"PORT={text!r} is invalid. Use a number from 1024 to 65535")
    return int(text)


def curl_line(url: str) -> str:
    """A curl command with a request that JW could send. No value has a single quote, so single quotes enclose them."""
    body = compact(MEDIA_AVAILABLE)
    headers = f"-H 'Content-Type: application/json' -H 'Authorization: Bearer {sign(body)}'"
    return f"curl -i {url} {headers} -d '{body.decode()}'"


def show_what_happens(stack: Stack) -> None:
    while True:
        for message in stack.receive():
            say(queued(message))
        for line in stack.new_log_lines():
            if line["outcome"] != "accepted":
                say(not_queued(line))
        time.sleep(POLL_SECONDS)


def queued(message: Message) -> str:
    found = message.attributes
    subject = found.get("media_id") or found.get("channel_id") or "-"
    return f"queued    {found.get('event', '-')} {subject}, event_id {found['event_id']}\n{'':20}{message.body}"


def not_queued(line: dict[str, Any]) -> str:
    return f"{line['outcome']:8}  {line['status']} {line['reason']}"


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {text}", flush=True)


if __name__ == "__main__":
    exit_with(main)
