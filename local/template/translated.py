"""What template.yaml becomes in CloudFormation, held against the code that it deploys.

Exists because a template can deploy and still be wrong in ways that only an incident shows: an alarm on a metric that
nobody emits, a variable that the code doesn't read, a permission more than it needs. And because some of what the
template promises can't be tried on the AWS of `make prove`: it is asserted here, in the tests beside this file.
"""

import functools
import logging
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent.parent
logging.getLogger("samtranslator").setLevel(logging.ERROR)  # of metrics that it would publish


def template() -> Json:
    parsed: Json = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return parsed


@functools.cache
def translated(**parameters: str) -> Json:
    """What CloudFormation gets, once SAM has translated the template."""
    source = template()
    source["Resources"]["Forwarder"]["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    result: Json = Translator({}, Parser(), boto_session=session).translate(source, parameters)
    return result


def resources(**parameters: str) -> Json:
    found: Json = translated(**parameters)["Resources"]
    return found


def of_type(kind: str, **parameters: str) -> Json:
    return {name: r for name, r in resources(**parameters).items() if r["Type"] == kind}


def source(*files: str) -> str:
    """The code that ships: without its tests."""
    texts = [(ROOT / "src" / file).read_text(encoding="utf-8") for file in files]
    return "\n".join(text.split("#[cfg(test)]")[0] for text in texts)


def shipped() -> str:
    files = [path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.rs")]
    return source(*(str(file) for file in files if file.name != "tests.rs" and file.parts[0] != "bin"))


def branches(value: Any) -> list[Any]:
    """What an Fn::If may become, AWS::NoValue left out; else the value itself."""
    if isinstance(value, dict) and "Fn::If" in value:
        return [found for branch in value["Fn::If"][1:] for found in branches(branch)]
    return [] if value == {"Ref": "AWS::NoValue"} else [value]
