"""Sends undelivered events to their queue again, from the function's log.

    python local/put_back.py LOG_GROUP [--since 2026-11-23T20:00:00+00:00] [--send]

Lists what it finds; sends with --send only. A FIFO queue drops what it has had in the last five minutes; behind a
standard queue, consumers that remember each event_id do the same, so that running this twice harms nobody. Uses the
AWS settings of your shell: it needs logs:FilterLogEvents on the log group and sqs:SendMessage on the queue.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

Record = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Sends undelivered events to their queue again, from the log.")
    parser.add_argument("log_group", help="the stack's output LogGroup")
    parser.add_argument("--since", type=datetime.fromisoformat, help="leave out what was logged before this time")
    parser.add_argument("--send", action="store_true", help="send, instead of listing only")
    arguments = parser.parse_args()
    sent = 0
    try:
        for record in undelivered(arguments.log_group, arguments.since):
            message_id = send(record) if arguments.send else "not sent"
            print(f"{record['event_id']}  {message_id}  {record['body']}")
            sent += 1
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: after {sent} events: {error}")
    print(f"{sent} events {'sent' if arguments.send else 'found; --send sends them'}", file=sys.stderr)


def undelivered(log_group: str, since: datetime | None) -> Iterator[Record]:
    """The records, oldest first, each event once."""
    # a pattern of words: it finds all the lines that are meant, and others, which are sorted out here
    query: dict[str, Any] = {"logGroupName": log_group, "filterPattern": '"undelivered" "event_id" "queue_url"'}
    if since:
        query["startTime"] = int(since.timestamp() * 1000)
    seen = set()
    for page in boto3.client("logs").get_paginator("filter_log_events").paginate(**query):
        for line in page["events"]:
            record = record_in(line["message"])
            if record and record["event_id"] not in seen:
                seen.add(record["event_id"])
                yield record


def record_in(text: str) -> Record | None:
    try:
        line = json.loads(text)
    except ValueError:  # one of Lambda's own
        return None
    return line.get("undelivered") if isinstance(line, dict) else None


def send(record: Record) -> str:
    """Sends the message as the function would have, and checks SQS's receipt as it does."""
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in record["attributes"].items()}
    optional = {"MessageGroupId": record.get("group_id"), "MessageDeduplicationId": record.get("deduplication_id")}
    answer = boto3.client("sqs").send_message(
        QueueUrl=record["queue_url"],
        MessageBody=record["body"],
        MessageAttributes=attributes,
        **{name: value for name, value in optional.items() if value is not None},
    )
    if answer["MD5OfMessageBody"] != hashlib.md5(record["body"].encode()).hexdigest():
        sys.exit(f"error: SQS took something else than event {record['event_id']}")
    message_id: str = answer["MessageId"]
    return message_id


if __name__ == "__main__":
    main()
