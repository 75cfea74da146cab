"""`make prove`: deploys template.yaml with the real `sam deploy` to an emulated AWS. Run it after a change of the template.

The function runs with its own role, and each permission is removed once. An update and a deletion must keep the queues
and the secret. The proof deploys the release binary of `make build`.

The tests in local/checks/template/ check what the emulated AWS cannot do: CodeDeploy, the order of an update, alarms that go
off, throttling, SSM's rules, the permissions for KMS keys, logs, X-Ray and the invocation, and the denial of plain HTTP.
"""

import json
import shutil
from pathlib import Path

import boto3

from emulators.cloud import Json, inventory
from make_events import SECRET
from oracle import event_id
from processes import LocalError, exit_with
from prove import consumer, deployer, jwhook, watch
from prove.checks import PERMISSIONS, StackChecks, cloud_here, signed
from stack import forwarder_binary
from checks.template import translated

NOT_ENFORCED_HERE = {"ReceiveHeldEvents", "DecryptTheSecret", "EncryptEvents", "WriteTheLog", "WriteTraces"}
OUTPUTS = {
    "WebhookUrl", "SecretArn", "QueueUrl", "QueueArn", "DeadLetterQueueUrl", "DeadLetterQueueArn", "HeldQueueUrl",
    "HeldDeadLetterQueueUrl", "HeldDeadLetterQueueArn", "DashboardUrl", "LogGroup", "FunctionName", "Version",
    "AlarmTopicArn", "WebhookUrlHttpApi",
}  # fmt: skip


class Proof(StackChecks):

    def run(self) -> None:
        before = inventory()
        self._leaves_nothing_of_a_stack_that_failed()
        self._standard_queue_behind_the_http_api()
        self._fifo_queue_behind_a_function_url()
        watch.reads_what_was_printed(self)
        left = {kind: names - before[kind] for kind, names in inventory().items()}
        self.check("the deleted stacks left no other resource", left, {kind: set() for kind in left})

    def _leaves_nothing_of_a_stack_that_failed(self) -> None:
        before = inventory()
        self.fails_to_deploy("jw-broken", self.written("broken", self._broken(self.template)), {}, "already exists")
        self.delete("jw-broken")
        self.check("a stack whose creation failed leaves no secret, queue or log",
                    {kind: inventory()[kind] - before[kind] for kind in ("secrets", "queues", "log groups")},
                    {"secrets": set(), "queues": set(), "log groups": set()})  # fmt: skip

    def _broken(self, template: Json) -> Json:
        """A copy of the template in which the creation of the last resource fails."""
        copy: Json = json.loads(json.dumps(template))
        copy["Resources"]["AliasThatExists"] = {
            "Type": "AWS::Lambda::Alias",
            "DependsOn": "ForwarderAliaslive",
            "Properties": {"FunctionName": {"Ref": "Forwarder"}, "FunctionVersion": "$LATEST", "Name": "live"},
        }
        return copy

    def _standard_queue_behind_the_http_api(self) -> None:
        stack, template = "jw-standard", self.written("template", self.template)
        outputs = self.deploy(stack, template, {})
        self.check("the outputs", set(outputs), OUTPUTS)
        self.check("the account has resources of each kind", [k for k, names in inventory().items() if not names], [])
        self.answers("with the secret's random placeholder, a valid event", outputs, "media_available", 401)
        self.logged(outputs, "refused", "webhook_unknown")
        self.check("the queue's messages", self.cloud.receive(outputs["QueueUrl"]), [])

        jwhook.doctor_says(self, stack, keys="warn", accepted="warn")  # there are no keys and no events yet
        self.store_secret(outputs)
        self.delivers(outputs, "media_available")
        self.delivers(outputs, "channel_active")
        logs, names = self.cloud.sam_logs(stack), ("media_available", "channel_active", "media_deleted")
        shown = [event_id(json.loads(signed(name))) in logs for name in names]
        self.check("sam logs shows the two sent events, but not a third one", shown, [True, True, False])
        for name, reason in {"forged": "signature_invalid", "body_mismatch": "body_mismatch"}.items():
            self.answers(f"{name}.json", outputs, name, 401)
            self.logged(outputs, "refused", reason)
        status, _ = self.cloud.send(outputs["WebhookUrl"], "media_available", path="/elsewhere")
        self.check("another path: the status, and the function's log", [status, self.log(outputs)], [404, []])
        status, _ = self.cloud.send(outputs["WebhookUrl"], "media_available", method="PUT")
        self.check("another method: the status, and the function's log", [status, self.log(outputs)], [404, []])
        self.check("the queue's messages after these requests", self.cloud.receive(outputs["QueueUrl"]), [])
        consumer.processes_once(self, outputs)

        self._holds_events_without_the_secret(stack, template, outputs)
        self._writes_events_to_the_log_without_the_queue(stack, template, outputs)
        jwhook.recovers(self, stack, outputs)
        jwhook.finds_what_is_missed(self, stack, outputs)
        self._deploys_a_build_again_after_a_rollback(stack, outputs)
        fifo = self._survives_updates(stack, template, outputs)
        self.answers("an unread event before the deletion", fifo, "media_reuploaded", 200)
        self.delete(stack)
        self._left_its_data(fifo)
        self.check("only the queues from before the change to FIFO are left",
                    self._queues(stack), {outputs["QueueUrl"], outputs["DeadLetterQueueUrl"]})  # fmt: skip
        for url in self._queues(stack):
            boto3.client("sqs").delete_queue(QueueUrl=url)

    def _fifo_queue_behind_a_function_url(self) -> None:
        stack, template = "jw-webhook-forwarder-fifo", self.written("template", self.template)
        with deployer.least_permissions():
            self.check("docs/deployer-policy.json denies a stack of another name",
                       deployer.denied_for_another_stack(self, template), True)  # fmt: skip
            outputs = self.deploy(stack, template, {"QueueType": "fifo", "Endpoint": "FunctionUrl"})
        self.check("the URL is a Function URL's", ".lambda-url." in outputs["WebhookUrl"], True)
        self.check("the account has no HTTP API", boto3.client("apigatewayv2").get_apis()["Items"], [])
        self.store_secret(outputs)
        self.delivers(outputs, "media_available", group="UUhbHm6C")
        self.answers("forged.json", outputs, "forged", 401)
        self.logged(outputs, "refused", "signature_invalid")
        both = self.deploy(stack, template, {"Endpoint": "Both", "HoldUnverified": "false"})
        polled = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        self.check("without HoldUnverified nothing polls the held queue", polled, [])
        self.check("with both endpoints, the Function URL stays", both["WebhookUrlFunctionUrl"], outputs["WebhookUrl"])
        for name, endpoint in {"media_created": "HttpApi", "media_deleted": "FunctionUrl"}.items():
            through = {**both, "WebhookUrl": both[f"WebhookUrl{endpoint}"]}
            self.delivers(through, name, f"{name}.json, through {endpoint}")
        jwhook.moves(self, stack, both)
        with deployer.least_permissions():
            moved = self.deploy(stack, template, {"Endpoint": "HttpApi"})
        self.check("then an update removes the Function URL", "WebhookUrlFunctionUrl" in moved, False)
        self.answers("an unread event before the deletion", moved, "media_reuploaded", 200)
        with deployer.least_permissions():
            self.delete(stack)
        self._left_its_data(outputs)

    def _holds_events_without_the_secret(self, stack: str, template: Path, outputs: dict[str, str]) -> None:
        queue, held_queue, log_group = outputs["QueueUrl"], outputs["HeldQueueUrl"], outputs["LogGroup"]
        self.cloud.retry_each_second(held_queue)
        self.deploy_without(stack, "FetchTheSecret")
        self.answers("without FetchTheSecret, a valid event", outputs, "media_created", 503)
        self.diagnosed("FetchTheSecret", self.logged(outputs, "held", "secret_unavailable"))
        self.answers("without FetchTheSecret, a forged event", outputs, "forged", 503)
        self.logged(outputs, "held", "secret_unavailable")
        self.cloud.wait_for_log(log_group, source="held_queue", reason="secret_unavailable")
        self.check("the number of held events after an attempt without the secret", self.cloud.held(held_queue), 2)
        self.check("the queue's messages", self.cloud.receive(queue), [])

        self.deploy_without(stack, "FetchTheSecret", "HoldEvents")
        self.answers("without HoldEvents too, a valid event", outputs, "media_available", 503)
        lines = self.logged(outputs, "failed", "secret_unavailable")
        self.diagnosed("HoldEvents", lines)
        self.check("the metric of lost events", [line["Lost"] for line in lines if "Lost" in line], [1])
        self.check("the number of held events", self.cloud.held(held_queue), 2)

        self.deploy(stack, template, {})
        self.cloud.wait_for_log(log_group, source="held_queue", outcome="accepted")
        self.arrived("with both permissions again, the held event arrives as signed", outputs, "media_created")
        self.cloud.wait_for_log(log_group, source="held_queue", reason="signature_invalid")
        self.check("the forged event stays: the number of held events", self.cloud.held(held_queue), 1)
        self.check("the queue's messages", self.cloud.receive(queue), [])
        boto3.client("sqs").purge_queue(QueueUrl=held_queue)
        self.delivers(outputs, "media_available")

    def _writes_events_to_the_log_without_the_queue(self, stack: str, template: Path, outputs: dict[str, str]) -> None:
        self.deploy_without(stack, "SendEvents")
        self.answers("without SendEvents, a valid event", outputs, "media_available", 503)
        lines = self.logged(outputs, "failed", "queue_refused")
        self.diagnosed("SendEvents", lines)
        records = [line["undelivered"]["body"].encode() for line in lines if "undelivered" in line]
        self.check("the log has the whole event", records, [signed("media_available")])
        status = self.cloud.invoke(outputs, jwhook.large_event())["statusCode"]
        self.check("an event too large for one line: the status", status, 503)
        parts = [line["parts"] for line in self.logged(outputs, "failed", "queue_refused") if "undelivered" in line]
        self.check("the log has that event in two parts", parts, [2, 2])
        self.check("the queue's messages", self.cloud.receive(outputs["QueueUrl"]), [])
        self.deploy(stack, template, {})
        self.delivers(outputs, "media_available")

    def _deploys_a_build_again_after_a_rollback(self, stack: str, outputs: dict[str, str]) -> None:
        before = self.cloud.served_version(outputs)
        build = json.loads(json.dumps(self.template))
        function = build["Resources"]["Forwarder"]["Properties"]
        code = shutil.copytree(function["CodeUri"], f"{function['CodeUri']}-again")
        Path(code, "changed").touch()
        function["CodeUri"] = code
        again, revision = self.written("again", build), {"Revision": "the-same"}
        self.fails_to_deploy(stack, self.written("again-broken", self._broken(build)), revision, "already exists")
        self.check("the previous version serves again", self.cloud.served_version(outputs), before)
        self.delivers(outputs, "media_available")
        self.fails_to_deploy(stack, again, revision, "A version for this Lambda function exists")
        self.deploy(stack, again, {})
        self.check("another Revision deploys the same build", self.cloud.served_version(outputs) != before, True)
        self.delivers(outputs, "media_available")

    def _survives_updates(self, stack: str, template: Path, outputs: dict[str, str]) -> dict[str, str]:
        before = self.cloud.served_version(outputs)
        self.answers("an unread event before the update", outputs, "media_created", 200)
        self.log(outputs)
        changed = {"SecretTtlSeconds": "2", "MaxEventAgeSeconds": "3600", "VisibilityTimeoutSeconds": "7", "LogLevel": "DEBUG"}
        updated = self.deploy(stack, template, changed)
        kept = ("WebhookUrl", "QueueUrl", "DeadLetterQueueUrl", "HeldQueueUrl", "HeldDeadLetterQueueUrl", "SecretArn",
                "LogGroup", "FunctionName")  # fmt: skip
        self.check("an update keeps the URL, queues, secret, log and function",
                    {name: updated[name] for name in kept}, {name: outputs[name] for name in kept})  # fmt: skip
        value = boto3.client("secretsmanager").get_secret_value(SecretId=updated["SecretArn"])["SecretString"]
        self.check("an update keeps the secret's value", value, SECRET)
        self.arrived("an update keeps the event in the queue", updated, "media_created")
        self.answers("with the new age limit, an event of 2023", updated, "media_available", 401)
        self.logged(updated, "refused", "event_stale")

        self.cloud.serve_version(updated, before)
        self.delivers(updated, "media_available", "after the rollback to the version without the limit")

        # sam deploy keeps the value of a parameter that it does not name, so only an empty value removes the limit
        waiting = self.deploy(stack, template, {"MaxEventAgeSeconds": ""})
        self.answers("without the limit, an unread event", waiting, "media_deleted", 200)
        self.log(waiting)
        fifo = self.deploy(stack, template, {"QueueType": "fifo"})
        self.check("a change to FIFO keeps the URL and the secret",
                    [fifo["WebhookUrl"], fifo["SecretArn"]], [outputs["WebhookUrl"], outputs["SecretArn"]])  # fmt: skip
        self.check("a change to FIFO creates a new queue", fifo["QueueUrl"].endswith(".fifo"), True)
        self.delivers(fifo, "media_available", group="UUhbHm6C")
        self.arrived("a change to FIFO keeps the old queue with its event", waiting, "media_deleted")
        return fifo

    def _queues(self, stack: str) -> set[str]:
        return set(boto3.client("sqs").list_queues(QueueNamePrefix=stack).get("QueueUrls", []))

    def _left_its_data(self, outputs: dict[str, str]) -> None:
        """Checks the data that a deleted stack left. Then deletes the data with the calls that `make delete` prints."""
        secrets, sqs, logs = boto3.client("secretsmanager"), boto3.client("sqs"), boto3.client("logs")
        value = secrets.get_secret_value(SecretId=outputs["SecretArn"])["SecretString"]
        self.check("a deletion keeps the secret's value", value, SECRET)
        self.arrived("a deletion keeps the event in the queue", outputs, "media_reuploaded")
        queues = [outputs[f"{name}Url"] for name in ("Queue", "DeadLetterQueue", "HeldQueue", "HeldDeadLetterQueue")]
        refusing = ["Policy" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"] for url in queues]
        self.check("a deletion keeps the queues' policies", refusing, [True] * len(queues))
        self.check("a deletion keeps the log", bool(self.log(outputs)), True)
        secrets.delete_secret(SecretId=outputs["SecretArn"], ForceDeleteWithoutRecovery=True)
        for url in queues:
            sqs.delete_queue(QueueUrl=url)
        logs.delete_log_group(logGroupName=outputs["LogGroup"])


def permissions(template: Json) -> set[str]:
    """The names of the function's permissions: the statements in its role, and the attached policies."""
    resources = template["Resources"]
    (own,) = resources["ForwarderRole"]["Properties"]["Policies"]
    attached = {name for name, resource in resources.items() if resource["Type"] == "AWS::IAM::ManagedPolicy"}
    statements = [one.get("Fn::If", ["", one])[1] for one in own["PolicyDocument"]["Statement"]]
    return attached | {statement["Sid"] for statement in statements}


def main() -> int:
    template = translated.template()
    if permissions(template) != PERMISSIONS.keys() | NOT_ENFORCED_HERE:
        raise LocalError("this proof and the template differ in permissions. Correct PERMISSIONS or NOT_ENFORCED_HERE")
    with cloud_here() as (cloud, folder):
        code = folder / "code"
        code.mkdir()
        shutil.copy2(forwarder_binary(), code / "bootstrap")
        template["Resources"]["Forwarder"]["Properties"]["CodeUri"] = str(code)
        proof = Proof(cloud, template, folder)
        proof.run()
    print(f"{proof.checks} checks of the deployed stack, all ok. Nothing is left running.")
    return 0


if __name__ == "__main__":
    exit_with(main)
