"""`make prove`: template.yaml, deployed by the real `sam deploy`, on an AWS that is a process of this machine.

Exists so that what the template promises is known before it costs anybody an event: the function runs with its own
role's permissions, each of which is taken away once, an update keeps the queue and the secret, and a deletion leaves
nothing. Exits 0 only if each check holds.

The release binary of `make build` is what is deployed: as `sam build` would have it, but built once, for the demo too.

What this AWS can't do is asserted on the translated template instead, in local/template/: CodeDeploy, the order of an
update, alarms that go off, throttling, the permissions for KMS keys, logs and X-Ray, the permission to invoke, plain
HTTP refused.
"""

import base64
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

from cloud import Cloud, Json, inventory
from make_events import FOLDER, SECRET
from oracle import event_id
from processes import INTERRUPTS, LocalError, Processes, exit_with
from stack import ROOT, forwarder_binary, keep_to_this_machine

SECRET_SECONDS = 10  # the stacks here fetch it again after one
# What is taken away, and what the function's diagnostics then say.
PERMISSIONS = {
    "FetchTheSecret": "Secrets Manager refused the secret",
    "HoldEvents": "cannot hold an event",
    "SendEvents": "SQS refused the event",
}
NOT_ENFORCED_HERE = {"ReceiveHeldEvents", "DecryptTheSecret", "EncryptEvents", "WriteTheLog", "WriteTraces"}
OUTPUTS = {
    "WebhookUrl", "SecretArn", "QueueUrl", "QueueArn", "DeadLetterQueueUrl", "DeadLetterQueueArn", "HeldQueueUrl",
    "HeldDeadLetterQueueUrl", "HeldDeadLetterQueueArn", "DashboardUrl", "LogGroup", "FunctionName", "Version",
    "AlarmTopicArn",
}  # fmt: skip


class Proof:
    """The checks, in order: each is said as it is made, and the first that fails ends the run."""

    def __init__(self, cloud: Cloud, template: Json, folder: Path) -> None:
        self._cloud = cloud
        self._template = template
        self._folder = folder
        self._began = time.monotonic()
        self.checks = 0

    def run(self) -> None:
        self._cloud.start()
        before = inventory()
        self._standard_queue_behind_the_http_api()
        self._fifo_queue_behind_a_function_url()
        left = {kind: names - before[kind] for kind, names in inventory().items()}
        self._check("sam delete left nothing of either stack", left, {kind: set() for kind in left})

    def _standard_queue_behind_the_http_api(self) -> None:
        stack, template = "jw-standard", self._written("template", self._template)
        outputs = self._deploy(stack, template, {})
        self._check("the outputs", set(outputs), OUTPUTS)
        self._check("the account has some of each kind of thing", [k for k, names in inventory().items() if not names], [])
        self._answers("with the placeholder that no one knows, a good event", outputs, "media_available", 401)
        self._logged(outputs, "refused", "webhook_unknown")
        self._check("what the queue then has", self._cloud.receive(outputs["QueueUrl"]), [])

        self._doctor_says(stack, keys="warn")  # no webhook has one yet
        self._store_secret(outputs)
        self._delivers(outputs, "media_available")
        self._delivers(outputs, "channel_active")
        logs, names = self._cloud.sam_logs(stack), ("media_available", "channel_active", "media_deleted")
        shown = [event_id(json.loads(signed(name))) in logs for name in names]
        self._check("sam logs shows these two, and not one that wasn't sent", shown, [True, True, False])
        for name, reason in {"forged": "signature_invalid", "body_mismatch": "body_mismatch"}.items():
            self._answers(f"{name}.json", outputs, name, 401)
            self._logged(outputs, "refused", reason)
        status, _ = self._cloud.send(outputs["WebhookUrl"], "media_available", path="/elsewhere")
        self._check("another path: the status, and what the function logs", [status, self._log(outputs)], [404, []])
        status, _ = self._cloud.send(outputs["WebhookUrl"], "media_available", method="PUT")
        self._check("another method: the status, and what the function logs", [status, self._log(outputs)], [404, []])
        self._check("what the queue has of all these", self._cloud.receive(outputs["QueueUrl"]), [])

        self._holds_events_without_the_secret(stack, template, outputs)
        self._writes_events_to_the_log_without_the_queue(stack, template, outputs)
        self._recovers(stack, outputs)
        self._survives_updates(stack, template, outputs)
        self._delete(stack)
        left = boto3.client("sqs").list_queues(QueueNamePrefix=stack)["QueueUrls"]
        self._check("the queues that the change to FIFO left are there, and no other",
                    set(left), {outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]})  # fmt: skip
        for url in left:
            boto3.client("sqs").delete_queue(QueueUrl=url)

    def _fifo_queue_behind_a_function_url(self) -> None:
        stack, template = "jw-fifo", self._written("template", self._template)
        outputs = self._deploy(stack, template, {"QueueType": "fifo", "Endpoint": "FunctionUrl"})
        self._check("the URL is a Function URL's", ".lambda-url." in outputs["WebhookUrl"], True)
        self._check("there is no HTTP API", boto3.client("apigatewayv2").get_apis()["Items"], [])
        self._store_secret(outputs)
        self._delivers(outputs, "media_available", group="UUhbHm6C")
        self._answers("forged.json", outputs, "forged", 401)
        self._logged(outputs, "refused", "signature_invalid")
        self._delete(stack)

    def _holds_events_without_the_secret(self, stack: str, template: Path, outputs: dict[str, str]) -> None:
        queue, held_queue, log_group = outputs["QueueUrl"], outputs["HeldQueueUrl"], outputs["LogGroup"]
        self._cloud.retry_each_second(held_queue)
        self._deploy_without(stack, "FetchTheSecret")
        self._answers("without FetchTheSecret, a good event", outputs, "media_created", 503)
        self._diagnosed("FetchTheSecret", self._logged(outputs, "held", "secret_unavailable"))
        self._answers("and a forged one", outputs, "forged", 503)
        self._logged(outputs, "held", "secret_unavailable")
        self._cloud.wait_for_log(log_group, source="held_queue", reason="secret_unavailable")
        self._check("after an attempt without the secret: how many are held", self._cloud.held(held_queue), 2)
        self._check("what the queue has", self._cloud.receive(queue), [])

        self._deploy_without(stack, "FetchTheSecret", "HoldEvents")
        self._answers("without HoldEvents too, a good event", outputs, "media_available", 503)
        lines = self._logged(outputs, "failed", "secret_unavailable")
        self._diagnosed("HoldEvents", lines)
        self._check("the metric of lost events", [line["Lost"] for line in lines if "Lost" in line], [1])
        self._check("how many are held", self._cloud.held(held_queue), 2)

        self._deploy(stack, template, {})
        self._cloud.wait_for_log(log_group, source="held_queue", outcome="accepted")
        self._arrived("with both back, the held event arrives by itself, as it was signed", outputs, "media_created")
        self._cloud.wait_for_log(log_group, source="held_queue", reason="signature_invalid")
        self._check("the forged one stays: how many are held", self._cloud.held(held_queue), 1)
        self._check("what the queue has", self._cloud.receive(queue), [])
        boto3.client("sqs").purge_queue(QueueUrl=held_queue)
        self._delivers(outputs, "media_available")

    def _writes_events_to_the_log_without_the_queue(self, stack: str, template: Path, outputs: dict[str, str]) -> None:
        self._deploy_without(stack, "SendEvents")
        self._answers("without SendEvents, a good event", outputs, "media_available", 503)
        lines = self._logged(outputs, "failed", "queue_refused")
        self._diagnosed("SendEvents", lines)
        records = [line["undelivered"]["body"].encode() for line in lines if "undelivered" in line]
        self._check("the event is in the log, whole", records, [signed("media_available")])
        self._check("what the queue has", self._cloud.receive(outputs["QueueUrl"]), [])
        self._deploy(stack, template, {})
        self._delivers(outputs, "media_available")

    def _recovers(self, stack: str, outputs: dict[str, str]) -> None:
        _, found = self._cloud.jwhook(stack, "recover", "--dry-run")
        self._check("jwhook recover finds what was not delivered",
                    [event["media_id"] for event in found["events"]], ["UUhbHm6C"])  # fmt: skip
        self._check("and sends nothing in a dry run", self._cloud.receive(outputs["QueueUrl"]), [])
        _, done = self._cloud.jwhook(stack, "recover", "--yes")
        self._check("how many it recovers", done["sent"], 1)
        self._arrived("which is then in the queue as if it had never failed", outputs, "media_available")

    def _doctor_says(self, stack: str, keys: str) -> None:
        code, report = self._cloud.jwhook(stack, "doctor")
        found = {check["check"]: check["status"] for check in report["checks"] if check["status"] != "skip"}
        well = ("credentials", "clock", "stack", "endpoint", "secret", "queue", "dead_letter")
        self._check("jwhook doctor finds each part of the stack",
                    [code, found], [0, {**dict.fromkeys(well, "ok"), "keys": keys}])  # fmt: skip

    def _survives_updates(self, stack: str, template: Path, outputs: dict[str, str]) -> None:
        before = self._cloud.served_version(outputs)
        self._answers("an event that nobody reads yet", outputs, "media_created", 200)
        self._log(outputs)
        changed = {"SecretTtlSeconds": "2", "MaxEventAgeSeconds": "3600", "VisibilityTimeoutSeconds": "7", "LogLevel": "DEBUG"}
        updated = self._deploy(stack, template, changed)
        kept = ("WebhookUrl", "QueueUrl", "DeadLetterQueueUrl", "HeldQueueUrl", "HeldDeadLetterQueueUrl", "SecretArn",
                "LogGroup", "FunctionName")  # fmt: skip
        self._check("an update keeps its URL, queues, secret, log and function",
                    {name: updated[name] for name in kept}, {name: outputs[name] for name in kept})  # fmt: skip
        value = boto3.client("secretsmanager").get_secret_value(SecretId=updated["SecretArn"])["SecretString"]
        self._check("and the secret's value", value, SECRET)
        self._arrived("and the event in the queue", updated, "media_created")
        self._answers("and the new age limit is in force: an event of 2023", updated, "media_available", 401)
        self._logged(updated, "refused", "event_stale")

        self._cloud.serve_version(updated, before)
        self._delivers(updated, "media_available", "back at the version before, without the limit")

        # what isn't named keeps its value: a limit is taken away by an empty one
        waiting = self._deploy(stack, template, {"MaxEventAgeSeconds": ""})
        self._answers("without the limit, an event that nobody reads yet", waiting, "media_deleted", 200)
        self._log(waiting)
        fifo = self._deploy(stack, template, {"QueueType": "fifo"})
        self._check("a change to FIFO keeps the URL and the secret",
                    [fifo["WebhookUrl"], fifo["SecretArn"]], [outputs["WebhookUrl"], outputs["SecretArn"]])  # fmt: skip
        self._check("makes a new queue", fifo["QueueUrl"].endswith(".fifo"), True)
        self._delivers(fifo, "media_available", group="UUhbHm6C")
        self._arrived("and leaves the old one, with its event", waiting, "media_deleted")

    def _deploy(self, stack: str, template: Path, parameters: dict[str, str]) -> dict[str, str]:
        shown = " ".join(f"{name}={value}" for name, value in parameters.items())
        self._say(f"sam deploy {stack} ({template.stem}{', ' if shown else ''}{shown})")
        return self._cloud.deploy(stack, template, parameters)

    def _deploy_without(self, stack: str, *permissions: str) -> None:
        without = without_policies(self._template, permissions)
        self._deploy(stack, self._written("-".join(["without", *permissions]), without), {})

    def _delete(self, stack: str) -> None:
        self._say(f"sam delete {stack}")
        self._cloud.delete(stack)

    def _store_secret(self, outputs: dict[str, str]) -> None:
        """As an operator would; then waits until the function has it, which refuses until then."""
        boto3.client("secretsmanager").put_secret_value(SecretId=outputs["SecretArn"], SecretString=SECRET)
        deadline = time.monotonic() + SECRET_SECONDS
        while self._cloud.send(outputs["WebhookUrl"], "media_updated")[0] != 200:
            if time.monotonic() > deadline:
                raise LocalError(f"{SECRET_SECONDS} s after the secret was stored, a good event is still refused")
            time.sleep(0.1)
        self._check("once JW's secret is stored, a good event is accepted", True, True)
        self._log(outputs)
        self._cloud.receive(outputs["QueueUrl"])

    def _delivers(self, outputs: dict[str, str], name: str, what: str = "", group: str | None = None) -> None:
        self._answers(what or f"{name}.json", outputs, name, 200)
        wide_event = self._logged(outputs, "accepted", "none")[-1]
        self._check("its metrics are of the function that the alarms name", wide_event["FunctionName"], outputs["FunctionName"])
        self._arrived("the queue has it, as it was signed", outputs, name, group)

    def _arrived(self, what: str, outputs: dict[str, str], name: str, group: str | None = None) -> None:
        claims = json.loads(signed(name))
        the_id = event_id(claims)
        messages = self._cloud.receive(outputs["QueueUrl"])
        found = [(message["Body"].encode(), message["MessageAttributes"]["event_id"]["StringValue"]) for message in messages]
        self._check(what, found, [(signed(name), the_id)])
        if group:
            system = messages[0]["Attributes"]
            self._check("in its medium's group, with its own deduplication id",
                        (system["MessageGroupId"], system["MessageDeduplicationId"]), (group, the_id))  # fmt: skip

    def _answers(self, what: str, outputs: dict[str, str], name: str, status: int) -> None:
        self._check(f"{what}: the status", self._cloud.send(outputs["WebhookUrl"], name)[0], status)

    def _logged(self, outputs: dict[str, str], outcome: str, reason: str) -> list[Json]:
        lines = self._cloud.wait_for_log(outputs["LogGroup"], source="webhook")
        found = [(line["outcome"], line["reason"]) for line in lines if line.get("source") == "webhook"]
        self._check(f"the log says {outcome}, {reason}", found, [(outcome, reason)])
        return lines

    def _diagnosed(self, permission: str, lines: list[Json]) -> None:
        said = [line for line in lines if line.get("level") == "ERROR" and PERMISSIONS[permission] in line["message"]]
        # the start asks for the secret too, so that the log may say it twice
        self._check("its diagnostics name the refusal", {("AccessDenied" in line["fault"]) for line in said}, {True})

    def _log(self, outputs: dict[str, str]) -> list[Json]:
        return self._cloud.new_log_lines(outputs["LogGroup"])

    def _check(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise LocalError(f"{what}: found {found!r}, expected {expected!r}")
        self.checks += 1
        self._say(f"  ok  {what}" + (f" is {found}" if isinstance(found, int) and not isinstance(found, bool) else ""))

    def _say(self, text: str) -> None:
        print(f"  {time.monotonic() - self._began:5.1f} s  {text}", flush=True)

    def _written(self, name: str, template: Json) -> Path:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return path


def without_policies(template: Json, names: tuple[str, ...]) -> Json:
    copy: Json = json.loads(json.dumps(template))
    for name in names:
        del copy["Resources"][name]
        copy["Resources"]["Forwarder"]["DependsOn"].remove(name)
    return copy


def permissions(template: Json) -> set[str]:
    """The function's: its role's own, and the policies that are attached to it."""
    resources = template["Resources"]
    (own,) = resources["ForwarderRole"]["Properties"]["Policies"]
    attached = {name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::ManagedPolicy"}
    return attached | {statement["Sid"] for statement in own["PolicyDocument"]["Statement"]}


def signed(name: str) -> bytes:
    event = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    part = event["headers"]["authorization"].split()[1].split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def main() -> int:
    template: Json = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    if permissions(template) != PERMISSIONS.keys() | NOT_ENFORCED_HERE:
        raise LocalError("the function has a permission that this proof doesn't know: take it away here, or say why not")
    keep_to_this_machine()
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    folder = Path(tempfile.mkdtemp(prefix="jw-webhook-forwarder-"))
    code = folder / "code"
    code.mkdir()
    shutil.copy2(forwarder_binary(), code / "bootstrap")
    template["Resources"]["Forwarder"]["Properties"]["CodeUri"] = str(code)
    processes = Processes(folder)
    proof = Proof(Cloud(processes, folder), template, folder)
    try:
        proof.run()
    except (LocalError, BotoCoreError, ClientError) as error:
        processes.show_output()
        raise LocalError(str(error)) from error
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # for good: ending what runs is the last that we do
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{proof.checks} checks of the deployed stack, each as it has to be. Nothing is left running.")
    return 0


if __name__ == "__main__":
    exit_with(main)
