"""The steps of the proofs of a deployed stack: deploy, send an event, compare answer, log and queue with the promise.

Other modules import this file.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

import make_events
from emulators.cloud import Cloud, Json
from make_events import SECRET
from oracle import event_id
from processes import LocalError, started
from stack import keep_to_this_machine

SECRET_SECONDS = 10  # the stacks here fetch the secret each second
# The permissions that a proof removes, each with the error that the function then logs.
PERMISSIONS = {
    "FetchTheSecret": "Secrets Manager denied the call",
    "HoldEvents": "cannot hold an event",
    "SendEvents": "SQS rejected the event",
}


@contextmanager
def cloud_here() -> Iterator[tuple[Cloud, Path]]:
    """Starts an emulated AWS with a folder, and stops it when the `with` block ends."""
    keep_to_this_machine()
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    with started(BotoCoreError, ClientError) as (processes, folder):
        cloud = Cloud(processes, folder)
        cloud.start()
        yield cloud, folder


class StackChecks:
    """Prints each check. The first failed check ends the run."""

    def __init__(self, cloud: Cloud, template: Json, folder: Path) -> None:
        self.cloud = cloud
        self.template = template
        self._folder = folder
        self._began = time.monotonic()
        self.checks = 0

    def deploy(self, stack: str, template: Path, parameters: dict[str, str]) -> dict[str, str]:
        shown = " ".join(f"{name}={value}" for name, value in parameters.items())
        self.say(f"sam deploy {stack} ({template.stem}{', ' if shown else ''}{shown})")
        return self.cloud.deploy(stack, template, parameters)

    def fails_to_deploy(self, stack: str, template: Path, parameters: dict[str, str], because: str) -> None:
        try:
            self.deploy(stack, template, parameters)
        except LocalError:
            self.check(f"CloudFormation fails and rolls back: {because}", because in self.cloud.stack_failures(stack), True)
        else:
            raise LocalError(f"the deployment of {stack} succeeded, but must fail with: {because}")

    def deploy_without(self, stack: str, *permissions: str) -> None:
        without = without_policies(self.template, permissions)
        self.deploy(stack, self.written("-".join(["without", *permissions]), without), {})

    def delete(self, stack: str) -> None:
        self.say(f"sam delete {stack}")
        self.cloud.delete(stack)

    def store_secret(self, outputs: dict[str, str]) -> None:
        """Stores the secret as an operator does, then waits until the function uses the new value."""
        boto3.client("secretsmanager").put_secret_value(SecretId=outputs["SecretArn"], SecretString=SECRET)
        deadline = time.monotonic() + SECRET_SECONDS
        while self.cloud.send(outputs["WebhookUrl"], "media_updated")[0] != 200:
            if time.monotonic() > deadline:
                raise LocalError(f"the function still refuses a valid event {SECRET_SECONDS} s after the secret was stored")
            time.sleep(0.1)
        self.check("the function accepts a valid event once JW's secret is stored", True, True)
        self.log(outputs)
        self.cloud.receive(outputs["QueueUrl"])

    def delivers(self, outputs: dict[str, str], name: str, what: str = "", group: str | None = None) -> None:
        self.answers(what or f"{name}.json", outputs, name, 200)
        wide_event = self.logged(outputs, "accepted", "none")[-1]
        self.check("the metrics name the function of the alarms", wide_event["FunctionName"], outputs["FunctionName"])
        self.arrived("the queue has the event as signed", outputs, name, group)

    def arrived(self, what: str, outputs: dict[str, str], name: str, group: str | None = None) -> None:
        claims = json.loads(signed(name))
        the_id = event_id(claims)
        messages = self.cloud.receive(outputs["QueueUrl"])
        found = [(message["Body"].encode(), message["MessageAttributes"]["event_id"]["StringValue"]) for message in messages]
        self.check(what, found, [(signed(name), the_id)])
        if group:
            system = messages[0]["Attributes"]
            self.check("the message's group is the medium, and its deduplication id is the event_id",
                        (system["MessageGroupId"], system["MessageDeduplicationId"]), (group, the_id))  # fmt: skip

    def answers(self, what: str, outputs: dict[str, str], name: str, status: int) -> None:
        self.check(f"{what}: the status", self.cloud.send(outputs["WebhookUrl"], name)[0], status)

    def logged(self, outputs: dict[str, str], outcome: str, reason: str) -> list[Json]:
        lines = self.cloud.wait_for_log(outputs["LogGroup"], source="webhook")
        found = [(line["outcome"], line["reason"]) for line in lines if line.get("source") == "webhook"]
        self.check(f"the log says {outcome}, {reason}", found, [(outcome, reason)])
        return lines

    def diagnosed(self, permission: str, lines: list[Json]) -> None:
        said = [line for line in lines if line.get("level") == "ERROR" and PERMISSIONS[permission] in line["message"]]
        # the function also fetches the secret at its start, so the log may have the error twice
        self.check("the error names AccessDenied", {("AccessDenied" in line["fault"]) for line in said}, {True})

    def log(self, outputs: dict[str, str]) -> list[Json]:
        return self.cloud.new_log_lines(outputs["LogGroup"])

    def check(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise LocalError(f"{what}: found {found!r}, expected {expected!r}")
        self.checks += 1
        self.say(f"  ok  {what}" + (f" is {found}" if isinstance(found, int) and not isinstance(found, bool) else ""))

    def say(self, text: str) -> None:
        print(f"  {time.monotonic() - self._began:5.1f} s  {text}", flush=True)

    def written(self, name: str, template: Json) -> Path:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return path


def without_policies(template: Json, names: tuple[str, ...]) -> Json:
    copy: Json = json.loads(json.dumps(template))
    for name in names:
        del copy["Resources"][name]
        function = copy["Resources"]["Forwarder"]
        function["DependsOn"] = [other for other in function["DependsOn"] if other != name]
        function["Metadata"]["WaitsFor"] = [other for other in function["Metadata"]["WaitsFor"] if name not in json.dumps(other)]
    return copy


def signed(name: str) -> bytes:
    return make_events.signed(make_events.read(name))
