"""Processes each of the forwarder's events once. Replace the function `work` with your own.

The queue delivers at least once, so Powertools records each finished `event_id` in a DynamoDB table. If the work
fails for an event, only that event goes back to the queue, and the other events of the batch are done.
"""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
remember = IdempotencyConfig(
    expires_after_seconds=int(os.environ["REMEMBER_DAYS"]) * 24 * 3600,
    raise_on_no_idempotency_key=True,  # an event without an event_id did not come from the forwarder
    hash_function="sha256",
)
finished = DynamoDBPersistenceLayer(table_name=os.environ["TABLE_NAME"], key_attr="event_id")

# A batch whose events all fail is no crash: `EventsFailing` counts failed events, and `FunctionErrors` counts crashes.
standard = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
# If an event fails, later events of its group also go back to the queue, so that they keep their order.
fifo = SqsFifoPartialProcessor(skip_group_on_error=True)
fifo.raise_on_entire_batch_failure = False  # the constructor has no parameter for this option


def work(event: dict[str, Any]) -> None:
    """Your work. After an exception, the event goes back to the queue, and in the end to the dead-letter queue."""
    logger.info("processed", extra={"event": event["event"], "media_id": event.get("media_id")})


# With this prefix, an event's key in the table stays the same if you rename this function.
@idempotent_function(data_keyword_argument="event_id", persistence_store=finished, config=remember, key_prefix="event")
def work_once(*, event_id: str | None, event: dict[str, Any]) -> None:
    work(event)


def process(record: SQSRecord) -> None:
    attribute = record.message_attributes["event_id"]
    event_id = attribute and attribute.string_value
    logger.append_keys(event_id=event_id, message_id=record.message_id)
    try:
        work_once(event_id=event_id, event=record.json_body)
    except IdempotencyAlreadyInProgressError:
        logger.info("another invocation is processing this event, so this copy goes back to the queue")
        raise
    except Exception:
        logger.exception("failed")  # the metric EventsFailing counts lines of level ERROR
        raise


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    remember.register_lambda_context(context)  # if Lambda stops the work at its timeout, a retry may follow at once
    is_fifo = event["Records"][0]["eventSourceARN"].endswith(".fifo")
    return process_partial_response(event, process, fifo if is_fifo else standard, context)
