"""Deploys the example consumer and sends it events: part of `make prove`.

ministack's Lambda runs the consumer with the Python of .venv, which has the packages of the consumer's requirements.txt.
`sam build` does not run.
"""

import json

import boto3

from oracle import event_id
from prove.checks import StackChecks, signed
from stack import ROOT

STACK = "jw-consumer"
TEMPLATE = ROOT / "examples" / "consumer" / "template.yaml"


def processes_once(proof: StackChecks, outputs: dict[str, str]) -> None:
    parameters = {"QueueArn": outputs["QueueArn"], "Events": "media_available,media_created"}
    consumer = proof.deploy(STACK, TEMPLATE, parameters)
    for name in ("media_available", "media_available", "channel_active"):
        proof.answers(f"with the consumer, {name}.json", outputs, name, 200)
        proof.cloud.wait_until_empty(outputs["QueueUrl"])
    lines = proof.cloud.new_log_lines(consumer["LogGroup"])
    done = [line["event_id"] for line in lines if line["message"] == "processed"]
    proof.check("the consumer processed a duplicate once, and no event that its filter drops",
                done, [event_id(json.loads(signed("media_available")))])  # fmt: skip
    items = boto3.client("dynamodb").scan(TableName=consumer["TableName"])["Items"]
    proof.check("the consumer's table has only that event, completed", [item["status"]["S"] for item in items], ["COMPLETED"])
    proof.log(outputs)
    proof.delete(STACK)
    proof.check("the consumer's table is deleted", boto3.client("dynamodb").list_tables()["TableNames"], [])
