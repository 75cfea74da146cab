"""Compares resources that were created without CloudFormation with template.yaml: part of `make prove-cargo-lambda`.

A page of commands and a Terraform module repeat the template's values. Without this comparison, nobody would notice a
repeated value that is out of date. It reads the resources from the emulated AWS.
"""

import json
from typing import Any

import boto3

from emulators.cloud import Json
from prove.checks import StackChecks
from checks.template.translated import deployed, template

Made = dict[str, str]  # the created resources, by the names of a stack's outputs, and RoleName
# Each queue; and if it is a dead-letter queue, the queue that moves failed messages into it.
QUEUES = {"Queue": None, "DeadLetterQueue": "Queue", "HeldQueue": None, "HeldDeadLetterQueue": "HeldQueue"}
LIVE = "live"


def is_like_the_template(proof: StackChecks, made: Made, endpoint: str, different: Json | None = None) -> None:
    """Compares the resources with a stack that has this Endpoint. `different`: attributes that differ on purpose."""
    stack: Json = deployed(Endpoint=endpoint)["Resources"]
    (log_group,) = boto3.client("logs").describe_log_groups(logGroupNamePrefix=made["LogGroup"])["logGroups"]
    arns = {name: attributes(made[f"{name}Url"])["QueueArn"] for name in QUEUES}
    arns |= {"Secret": made["SecretArn"], "ForwarderLogs": log_group["arn"]}
    for name, source in QUEUES.items():
        found, asked = queue(stack, name, made[f"{name}Url"], source, arns)
        proof.check(f"{name}'s attributes are the template's", found, {**asked, **(different or {})})
    proof.check("the role's permissions are the template's", granted(made), grants(stack, arns))
    proof.check("the function's settings are the template's", *function(stack, made))
    retention = of_template(stack["ForwarderLogs"]["Properties"]["RetentionInDays"])
    proof.check("the log's retention in days", log_group.get("retentionInDays"), retention)
    proof.check("the held queue's mapping is the template's", *mapping(stack, arns["HeldQueue"]))
    proof.check("the permissions to invoke the function are the template's", invokers(made), may_invoke(stack))


def of_template(value: Any) -> Any:
    """If the value refers to a parameter, returns the parameter's default, otherwise the value."""
    return template()["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) and "Ref" in value else value


def attributes(queue_url: str) -> Json:
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
    found: Json = answer["Attributes"]
    return found


def queue(stack: Json, name: str, url: str, source: str | None, arns: Json) -> tuple[Json, Json]:
    asked = {n: of_template(v) for n, v in stack[name]["Properties"].items() if n != "QueueName"}
    if source:  # the template builds the ARN from the source's name
        asked["RedriveAllowPolicy"] = {**asked["RedriveAllowPolicy"], "sourceQueueArns": [arns[source]]}
    else:
        asked["RedrivePolicy"] = {n: arn(of_template(v), arns) for n, v in asked["RedrivePolicy"].items()}
    policy = stack[f"{name}Policy"]["Properties"]["PolicyDocument"]
    asked["Policy"] = {**policy, "Statement": [{**one, "Resource": arns[name]} for one in policy["Statement"]]}
    found = attributes(url)
    return {n: json.loads(found[n]) if n in found else None for n in asked}, asked


def arn(value: Any, arns: Json) -> Any:
    return arns[value["Fn::GetAtt"][0]] if isinstance(value, dict) else value


def grants(stack: Json, arns: Json) -> Json:
    policies = [*stack["ForwarderRole"]["Properties"]["Policies"]]
    policies += [r["Properties"] for r in stack.values() if r["Type"] == "AWS::IAM::ManagedPolicy"]
    statements = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
    return {one["Sid"]: {**one, "Resource": arn(one["Resource"], arns)} for one in statements}


def granted(made: Made) -> Json:
    """The statements of the role's policies, by Sid. An attached policy is an entry too, and fails the comparison."""
    iam, role = boto3.client("iam"), made["RoleName"]
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    own = {one["Sid"]: one for document in documents for one in document["Statement"]}
    return own | {policy["PolicyName"]: policy for policy in attached}


def function(stack: Json, made: Made) -> tuple[Json, Json]:
    asked = stack["Forwarder"]["Properties"]
    found = boto3.client("lambda").get_function_configuration(FunctionName=made["FunctionName"], Qualifier=LIVE)
    variables = {
        "QUEUE_URL": made["QueueUrl"],
        "HELD_QUEUE_URL": made["HeldQueueUrl"],
        "WEBHOOK_SECRET_ID": made["SecretArn"],
    }
    for name, value in asked["Environment"]["Variables"].items():
        variables[name] = variables.get(name) or str(of_template(value))
    expected = {
        **{name: of_template(asked[name]) for name in ("MemorySize", "Timeout", "Runtime", "Handler")},
        "TracingConfig": {"Mode": of_template(asked["TracingConfig"]["Mode"])},
        "Environment": {"Variables": variables},
        "LoggingConfig": {n: of_template(v) for n, v in asked["LoggingConfig"].items() if n != "LogGroup"},
    }
    found["LoggingConfig"].pop("LogGroup", None)  # Lambda's default log group has another name than the template's
    return {name: found[name] for name in expected}, expected


def mapping(stack: Json, held_queue_arn: str) -> tuple[Json, Json]:
    asked = {n: v for n, v in stack["HeldEvents"]["Properties"].items() if n not in ("EventSourceArn", "FunctionName")}
    found = boto3.client("lambda").list_event_source_mappings(EventSourceArn=held_queue_arn)["EventSourceMappings"]
    (only,) = found
    return {**{n: only.get(n) for n in asked}, "alias": only["FunctionArn"].rsplit(":", 1)[1]}, {**asked, "alias": LIVE}


def may_invoke(stack: Json) -> set[tuple[str, str, str]]:
    """Action, principal and condition of each permission. For an HTTP API, the condition is its ARN after the id."""
    found = set()
    for asked in (r["Properties"] for r in stack.values() if r["Type"] == "AWS::Lambda::Permission"):
        route = asked["SourceArn"]["Fn::Sub"].split("/", 1)[1] if "SourceArn" in asked else None
        by_url = "true" if asked.get("InvokedViaFunctionUrl") else asked.get("FunctionUrlAuthType")
        found.add((asked["Action"], asked["Principal"], route or by_url))
    return found


def invokers(made: Made) -> set[tuple[str, str, str]]:
    policy = boto3.client("lambda").get_policy(FunctionName=made["FunctionName"], Qualifier=LIVE)["Policy"]
    found = set()
    for statement in json.loads(policy)["Statement"]:
        principal = statement["Principal"]
        ((key, value),) = [pair for condition in statement["Condition"].values() for pair in condition.items()]
        condition = value.split("/", 1)[1] if key.lower() == "aws:sourcearn" else value
        found.add((statement["Action"], principal if isinstance(principal, str) else principal["Service"], condition))
    return found
