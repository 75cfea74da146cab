"""The held queue of the demo. This module polls it as Lambda does on AWS, because `cargo lambda watch` polls no queue.

Other modules import this file.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.client import BaseClient

HELD_QUEUE_NAME = "jw-webhook-held"
SECONDS_BETWEEN_ATTEMPTS = 1  # the template has 300


class HeldQueue:

    def __init__(self, sqs: BaseClient) -> None:
        self._sqs: Any = sqs
        attributes = {"VisibilityTimeout": str(SECONDS_BETWEEN_ATTEMPTS)}
        self.url: str = self._sqs.create_queue(QueueName=HELD_QUEUE_NAME, Attributes=attributes)["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self._arn = found["Attributes"]["QueueArn"]

    def poll(self, invoke: Callable[[bytes], bytes]) -> None:
        """Invokes the function with a batch of messages. Deletes those that the answer does not list as failed."""
        received = self._sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        messages = received.get("Messages")
        if not messages:
            return
        answer = json.loads(invoke(json.dumps({"Records": [self._record(message) for message in messages]}).encode()))
        failures = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failures:
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        """A record of Lambda's event (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._sqs.meta.region_name,
        }
