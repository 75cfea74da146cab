"""Tests the consumer's handler with a table in memory. `make examples` runs it. `make prove` tests a deployed consumer."""

import io
import json
import os
import sys
import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.utilities import idempotency
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
os.environ.update(TABLE_NAME="finished", REMEMBER_DAYS="90", POWERTOOLS_SERVICE_NAME="consumer")
os.environ.pop("POWERTOOLS_IDEMPOTENCY_DISABLED", None)
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jw-events-0a1b2c3d"
CONTEXT = SimpleNamespace(
    function_name="consumer",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:consumer",
    aws_request_id="c6beae3c-f498-4430-b270-dc8a51de0674",
    get_remaining_time_in_millis=lambda: 30_000,
)


class TableInMemory(idempotency.BasePersistenceLayer):
    def __init__(self, table_name: str, key_attr: str) -> None:
        super().__init__()
        self.items: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self.items:
            raise IdempotencyItemNotFoundError
        return self.items[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        if data_record.idempotency_key in self.items:
            raise IdempotencyItemAlreadyExistsError(old_data_record=self.items[data_record.idempotency_key])
        self.items[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.items[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        del self.items[data_record.idempotency_key]


with patch.object(idempotency, "DynamoDBPersistenceLayer", TableInMemory):
    import consumer  # the import opens the table


class Consumer(unittest.TestCase):
    def setUp(self) -> None:
        consumer.finished.items.clear()
        self.done: list[str] = []
        self.fails: set[str] = set()
        self.log = io.StringIO()
        for handler in consumer.logger.handlers:
            handler.stream = self.log
        replaced = patch.object(consumer, "work", self._work)
        replaced.start()
        self.addCleanup(replaced.stop)

    def _work(self, event: dict[str, Any]) -> None:
        if event["media_id"] in self.fails:
            raise RuntimeError("the work failed")
        self.done.append(event["media_id"])

    def _failures(self, *records: dict[str, Any]) -> list[str]:
        answer = consumer.handler({"Records": list(records)}, CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _levels(self) -> list[str]:
        return [json.loads(line)["level"] for line in self.log.getvalue().splitlines()]

    def test_event_is_processed_once_after_several_deliveries(self) -> None:
        self.assertEqual(self._failures(record("1", "a"), record("2", "a")), [])
        self.assertEqual(self._failures(record("3", "a"), record("4", "b")), [])
        self.assertEqual(self.done, ["a", "b"])

    def test_only_the_failed_event_goes_back_and_is_logged_as_an_error(self) -> None:
        self.fails = {"b"}
        self.assertEqual(self._failures(record("1", "a"), record("2", "b"), record("3", "c")), ["2"])
        self.assertEqual(self.done, ["a", "c"])
        self.assertEqual(self._levels(), ["ERROR"])

    def test_failed_event_is_processed_at_its_next_delivery(self) -> None:
        self.fails = {"a"}
        self.assertEqual(self._failures(record("1", "a")), ["1"])
        self.fails = set()
        self.assertEqual(self._failures(record("1", "a")), [])
        self.assertEqual(self.done, ["a"])

    def test_later_events_of_a_failed_events_fifo_group_go_back_too(self) -> None:
        self.fails = {"b"}
        batch = [record("1", "a", group="x"), record("2", "b", group="x"), record("3", "c", group="x"), record("4", "d", group="y")]
        self.assertEqual(self._failures(*batch), ["2", "3"])
        self.assertEqual(self.done, ["a", "d"])

    def test_event_that_another_invocation_processes_goes_back_without_an_error(self) -> None:
        def work(_: dict[str, Any]) -> None:
            with self.assertRaises(IdempotencyAlreadyInProgressError):
                consumer.process(SQSRecord(record("2", "a")))

        with patch.object(consumer, "work", work):
            self.assertEqual(self._failures(record("1", "a")), [])
        self.assertEqual(self._levels(), ["INFO"])

    def test_event_without_an_event_id_is_not_processed(self) -> None:
        self.assertEqual(self._failures({**record("1", "a"), "messageAttributes": {}}), ["1"])
        self.assertEqual((self.done, self._levels()), ([], ["ERROR"]))

    def test_finished_event_is_remembered_for_90_days(self) -> None:
        self._failures(record("1", "a"))
        (item,) = consumer.finished.items.values()
        self.assertAlmostEqual(item.expiry_timestamp, 90 * 24 * 3600 + time.time(), delta=10)


def record(message_id: str, media_id: str, group: str | None = None) -> dict[str, Any]:
    """A record of Lambda's event (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": json.dumps({"event": "media_available", "media_id": media_id, "site_id": "jsPxIVHl", "webhook_id": "7Rav0hC5"}),
        "attributes": {"ApproximateReceiveCount": "1", **({"MessageGroupId": group} if group else {})},
        "messageAttributes": {"event_id": {"stringValue": f"id-of-{media_id}", "dataType": "String"}},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{QUEUE}.fifo" if group else QUEUE,
        "awsRegion": "us-east-1",
    }
