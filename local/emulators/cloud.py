"""The emulated AWS of `make prove`, and the actions of `sam`, JW, a consumer and an operator.

All connections use TLS, because the queues deny plain HTTP. Other modules import this file.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from make_events import read
from processes import LocalError, Processes
from release.package import HOST
from stack import LOCALHOST, PATH, ROOT, START_SECONDS, free_port, jwhook_binary, listens, ministack_environment

Json = dict[str, Any]

SAM = ROOT / ".venv-sam" / "bin" / "sam"
LOG_SECONDS = 10
# The parameters of every stack: no CodeDeploy, a fetch of the secret each second, and this machine's architecture.
BASE = {"Deployment": "AllAtOnce", "SecretTtlSeconds": "1", "Architecture": HOST}
# For each kind of resource: service, call that lists it, the answer's member with the list, a resource's name member.
KINDS = {
    "queues": ("sqs", "list_queues", "QueueUrls", ""),
    "secrets": ("secretsmanager", "list_secrets", "SecretList", "ARN"),
    "event source mappings": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
    "policies": ("iam", "list_policies", "Policies", "PolicyName"),
    "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "metric filters": ("logs", "describe_metric_filters", "metricFilters", "filterName"),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "topics": ("sns", "list_topics", "Topics", "TopicArn"),
    "parameters": ("ssm", "describe_parameters", "Parameters", "Name"),
    "APIs": ("apigatewayv2", "get_apis", "Items", "ApiId"),
}


class Cloud:

    def __init__(self, processes: Processes, folder: Path) -> None:
        self._processes = processes
        self._folder = folder
        self._port = free_port()
        self._logs_read: dict[str, int] = {}
        self._deployments = 0
        self.lines: list[Json] = []

    def start(self) -> None:
        certificate = self._folder / "ministack-tls" / "server.crt"
        os.environ["AWS_ENDPOINT_URL"] = f"https://{LOCALHOST}:{self._port}"
        os.environ["AWS_CA_BUNDLE"] = str(certificate)  # for boto3 and sam
        os.environ["SSL_CERT_FILE"] = str(certificate)  # for the Rust SDK in jwhook and in the function
        environment = ministack_environment(self._port, self._folder) | {
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": os.environ["AWS_REGION"],
            "SERVICES": "",  # all services
            "AUTH": "true",  # enforces permissions, also those of the function's role
            "USE_SSL": "1",
        }
        self._processes.start("ministack", [sys.executable, "-m", "emulators.aws"], environment, ROOT / "local")
        self._processes.wait("ministack to listen", START_SECONDS, lambda: listens(self._port))
        self._tls = ssl.create_default_context(cafile=str(certificate))

    def deploy(self, stack: str, template: Path, parameters: dict[str, str]) -> dict[str, str]:
        """Runs `sam deploy` with a new Revision, as `make deploy` does. Returns the stack's outputs."""
        self._deployments += 1
        given = {**BASE, "Revision": f"proof-{self._deployments}", **parameters}
        # sam accepts an empty value only in quotes
        overrides = [f'{name}={value or chr(34) * 2}' for name, value in given.items()]
        self._sam("deploy", "--template-file", str(template), "--stack-name", stack, "--resolve-s3",
                  "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset",
                  "--parameter-overrides", *overrides)  # fmt: skip
        return self.outputs(stack)

    def outputs(self, stack: str) -> dict[str, str]:
        described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def stack_failures(self, stack: str) -> str:
        """The reasons why resources of the stack failed. sam's output breaks each reason into short lines."""
        events = boto3.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def delete(self, stack: str) -> None:
        self._sam("delete", "--stack-name", stack, "--no-prompts")

    def sam_logs(self, stack: str) -> str:
        return self._sam("logs", "--stack-name", stack, "--name", "Forwarder")

    def served_version(self, outputs: dict[str, str]) -> str:
        alias = boto3.client("lambda").get_alias(FunctionName=outputs["FunctionName"], Name="live")
        version: str = alias["FunctionVersion"]
        return version

    def serve_version(self, outputs: dict[str, str], version: str) -> None:
        """Lets the alias invoke an earlier version. This is the quick rollback of docs/deploy.md."""
        boto3.client("lambda").update_alias(FunctionName=outputs["FunctionName"], Name="live", FunctionVersion=version)

    def invoke(self, outputs: dict[str, str], event: Json) -> Json:
        """Invokes the function through Lambda's API, without the gateway."""
        function, payload = f"{outputs['FunctionName']}:live", json.dumps(event)
        answer = boto3.client("lambda").invoke(FunctionName=function, Payload=payload.encode())
        answered: Json = json.loads(answer["Payload"].read())
        return answered

    def jwhook(self, stack: str, *arguments: str, environment: dict[str, str] | None = None) -> tuple[int, Json]:
        """Runs jwhook and returns its exit code and JSON."""
        line = [str(jwhook_binary()), *arguments, "--stack", stack, "--output", "json"]
        shell = {**os.environ, **(environment or {})}
        done = subprocess.run(line, env=shell, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 2:
            raise LocalError(f"jwhook {' '.join(arguments)} failed:\n{done.stderr}")
        return done.returncode, json.loads(done.stdout)

    def _sam(self, command: str, *arguments: str) -> str:
        line = [str(SAM), command, *arguments, "--region", os.environ["AWS_REGION"]]
        done = subprocess.run(line, cwd=self._folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise LocalError(f"sam {command} failed:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def send(self, url: str, name: str, path: str = PATH, method: str | None = None) -> tuple[int, Json]:
        """Sends the request in a file of events/ to the stack's URL, which ministack serves."""
        event = read(name)
        api, service, region = url.removeprefix("https://").split("/")[0].split(".")[:3]
        host = f"{api}.execute-api.localhost" if service == "execute-api" else f"{api}.{service}.{region}.on.aws"
        headers = {name: event["headers"][name] for name in ("authorization", "content-type") if name in event["headers"]}
        connection = http.client.HTTPSConnection(LOCALHOST, self._port, context=self._tls, timeout=30)
        try:
            method = method or event["requestContext"]["http"]["method"]
            connection.request(method, path, event.get("body"), {**headers, "host": host})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or "{}")
        finally:
            connection.close()

    def reachable_url(self, url: str) -> str:
        """A URL of the stack for programs on this machine, which cannot resolve the host name in the stack's output."""
        return f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{urlsplit(url).netloc.split('.')[0]}/$default{PATH}"

    def receive(self, queue_url: str) -> list[Json]:
        """Receives and deletes all messages of the queue."""
        sqs, messages = boto3.client("sqs"), []
        while batch := sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
        ).get("Messages"):
            for message in batch:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            messages += batch
        return messages

    def retry_each_second(self, held_queue_url: str) -> None:
        """Retries a held event each second. The template waits 300 s."""
        boto3.client("sqs").set_queue_attributes(QueueUrl=held_queue_url, Attributes={"VisibilityTimeout": "1"})

    def held(self, queue_url: str) -> int:
        """The number of events in a queue, including events that Lambda has received but not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def wait_until_empty(self, queue_url: str) -> None:
        self._processes.wait("a consumer to empty the queue", LOG_SECONDS, lambda: self.held(queue_url) == 0)

    def new_log_lines(self, log_group: str) -> list[Json]:
        """The function's new log lines since the last call, without Lambda's own lines."""
        pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log_group)
        texts = [event["message"].strip() for page in pages for event in page["events"]]
        new = texts[self._logs_read.get(log_group, 0) :]
        self._logs_read[log_group] = len(texts)
        lines = [json.loads(text) for text in new if text.startswith("{")]
        self.lines += lines
        return lines

    def wait_for_log(self, log_group: str, **members: str) -> list[Json]:
        """Waits for a wide event with these members, and returns the function's new log lines."""
        lines: list[Json] = []

        def logged() -> bool:
            lines.extend(self.new_log_lines(log_group))
            return any(members.items() <= line.items() for line in lines if "outcome" in line)

        self._processes.wait(f"the function's log line with {members}", LOG_SECONDS, logged)
        return lines


def inventory() -> dict[str, set[str]]:
    """The names of the account's resources, by kind (KINDS). It does not list AWS's own policies."""
    found = {}
    for kind, (service, call, member, name) in KINDS.items():
        scope = {"Scope": "Local"} if kind == "policies" else {}
        listed = getattr(boto3.client(service), call)(**scope).get(member, [])
        found[kind] = {one[name] if name else one for one in listed}
    return found
