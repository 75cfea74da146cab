"""Validates a message against docs/message.schema.json, from which consumers generate code and checks.

The demo and checks/pages/test_schema.py import this file.
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
    """Each violation of the schema in a message: the member and the reason."""
    message = {"body": json.loads(body), "attributes": attributes}
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(message)]
