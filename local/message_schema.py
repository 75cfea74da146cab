"""Validates a message against docs/message.schema.json, from which consumers generate code and checks.

The demo and pages/test_schema.py call it. Nobody runs this file.
"""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).resolve().parent.parent / "docs" / "message.schema.json"


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def violations(body: str, attributes: dict[str, str]) -> list[str]:
    """Where and how a message violates the schema."""
    message = {"body": json.loads(body), "attributes": attributes}
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(message)]
