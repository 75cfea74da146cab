"""Translates template.yaml as CloudFormation does, for the tests in this folder. Other modules import this file.

The tests are part of `make template`. They find faults that no deployment shows, such as an unused permission, or an
alarm on a metric that nothing sends. They also test what the emulated AWS of `make prove` cannot do.
"""

import functools
import json
import logging
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

Json = dict[str, Any]

REGION, ACCOUNT = "us-east-1", "123456789012"
ROOT = Path(__file__).resolve().parents[3]
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
logging.getLogger("samtranslator").setLevel(logging.ERROR)  # hides the warning that samtranslator publishes no metrics


def template(path: str | Path = "template.yaml") -> Json:
    parsed: Json = yaml_parse((ROOT / path).read_text(encoding="utf-8"))
    return parsed


@functools.cache
def package() -> Json:
    """The package, as cargo reads it from the manifest."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (found,) = json.loads(metadata)["packages"]
    return dict(found)


@functools.cache
def translated(**parameters: str) -> Json:
    """The template after SAM's transform."""
    source = template()
    source["Resources"]["Forwarder"]["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    session = boto3.Session(region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none")
    result: Json = Translator({}, Parser(), boto_session=session).translate(source, parameters)
    return result


def resources(**parameters: str) -> Json:
    found: Json = translated(**parameters)["Resources"]
    return found


def of_type(kind: str, **parameters: str) -> Json:
    return {name: r for name, r in resources(**parameters).items() if r["Type"] == kind}


@functools.cache
def deployed(**parameters: str) -> Json:
    """The resources and outputs of a stack with these parameters. Each condition and each Fn::If is evaluated."""
    result, defaults = translated(**parameters), {n: str(p.get("Default", "")) for n, p in template()["Parameters"].items()}
    values = {**defaults, "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, **parameters}

    def value_of(expression: Any) -> Any:
        if not isinstance(expression, dict):
            return expression
        ((kind, given),) = expression.items()
        if kind == "Ref":
            return values[given]
        if kind == "Fn::Sub":
            return re.sub(r"\$\{([\w:]+)\}", lambda match: values[match[1]], given)
        if kind == "Fn::Join":
            return given[0].join(map(value_of, given[1]))
        if kind == "Fn::Split":
            return value_of(given[1]).split(given[0])
        assert kind == "Fn::Select", kind
        return value_of(given[1])[given[0]]

    def holds(condition: Any) -> bool:
        ((kind, given),) = condition.items()
        if kind == "Condition":
            return holds(result["Conditions"][given])
        if kind == "Fn::Equals":
            return bool(value_of(given[0]) == value_of(given[1]))
        found = [holds(one) for one in given]
        return {"Fn::Not": not found[0], "Fn::And": all(found), "Fn::Or": any(found)}[kind]

    def resolved(value: Any) -> Any:
        if isinstance(value, dict) and "Fn::If" in value:
            name, yes, no = value["Fn::If"]
            return resolved(yes if holds({"Condition": name}) else no)
        if isinstance(value, dict):
            return {n: r for n, v in value.items() if (r := resolved(v)) != {"Ref": "AWS::NoValue"}}
        if isinstance(value, list):
            return [r for v in value if (r := resolved(v)) != {"Ref": "AWS::NoValue"}]
        return value

    def existing(part: Json) -> Json:
        return {n: resolved(v) for n, v in part.items() if "Condition" not in v or holds({"Condition": v["Condition"]})}

    return {"Resources": existing(result["Resources"]), "Outputs": existing(result["Outputs"])}


def deployed_of_type(kind: str, **parameters: str) -> Json:
    """The properties of the stack's resources of this type."""
    return {name: r["Properties"] for name, r in deployed(**parameters)["Resources"].items() if r["Type"] == kind}


def references(value: Any) -> set[str]:
    """The names that a part of the template refers to, by Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(references, value.values()))
    if "Ref" in value:
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        found.add(value["Fn::GetAtt"][0])
    if "Fn::Sub" in value:
        text, own = (value["Fn::Sub"], {}) if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"]
        found |= {name.split(".")[0] for name in re.findall(r"\$\{([\w:.]+)\}", text)} - set(own)
    return found


@functools.cache
def tool_data(venv: str, path: str) -> Json:
    (file,) = Path(ROOT, venv, "lib").glob(f"python3*/site-packages/{path}")
    found: Json = json.loads(file.read_text(encoding="utf-8"))
    return found


def schema(kind: str) -> Json:
    """AWS's schema of a resource type. cfn-lint has a copy."""
    digest = tool_data(".venv-sam", "cfnlint/data/schemas/providers/us-east-1.json")[kind]
    return tool_data(".venv-sam", f"cfnlint/data/schemas/resources/{digest}.json")


def deciding(value: Any) -> set[str]:
    """The parameters that change a value: the value or a condition names them, or they replace a resource in it."""
    if isinstance(value, dict) and "Fn::If" in value:
        name, *both = value["Fn::If"]
        return deciding(translated()["Conditions"][name]) | deciding(both)
    if isinstance(value, dict) and len(value) == 1 and "Condition" in value:
        return deciding(translated()["Conditions"][value["Condition"]])
    if isinstance(value, list):
        return set().union(*map(deciding, value))
    if not isinstance(value, dict):
        return set()
    if not {"Ref", "Fn::GetAtt", "Fn::Sub"} & set(value):
        return set().union(*map(deciding, value.values()))
    found = deciding(value["Fn::Sub"][1]) if isinstance(value.get("Fn::Sub"), list) else set()
    for name in references(value):
        found |= deciding_identity(name) if name in resources() else {name} & set(translated()["Parameters"])
    return found


def deciding_identity(name: str) -> set[str]:
    """The parameters that create, delete or replace a resource: those of its condition and its create-only properties."""
    resource = resources()[name]
    create_only = {path.split("/")[2] for path in schema(resource["Type"]).get("createOnlyProperties", [])}
    condition = {"Condition": resource["Condition"]} if "Condition" in resource else None
    return deciding([condition, *(v for n, v in resource.get("Properties", {}).items() if n in create_only)])


def branches(value: Any) -> list[Any]:
    """All values that an Fn::If can have, except AWS::NoValue. For another value, only this value."""
    if isinstance(value, dict) and "Fn::If" in value:
        return [found for branch in value["Fn::If"][1:] for found in branches(branch)]
    return [] if value == {"Ref": "AWS::NoValue"} else [value]


def actions(statement: Json) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)
