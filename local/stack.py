"""Runs the function on this machine, with emulators of the AWS services that the function needs.

    HTTP -> `cargo lambda watch` (API Gateway, Lambda) -> the release binary -> ministack (Secrets Manager, SQS)

`make demo` and `make run` import this file, to call the release binary over HTTP.
"""

import http.client
import json
import os
import random
import select
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from emulators.held_queue import HeldQueue
from processes import ROOT, LocalError, Processes, started

LOCALHOST = "127.0.0.1"
PATH = "/webhooks/jwplayer"
INVOCATIONS = "/2015-03-31/functions/_/invocations"  # Lambda's API; `_` is cargo lambda's only function
SECRET_ID = "jw-webhook-forwarder"
QUEUE_NAME = "jw-webhook-events"
START_SECONDS = 30  # a start takes a few seconds
ANSWER_SECONDS = 25  # the forwarder promises an answer within 20 s
LOG_SECONDS = 5
FORWARD_SECONDS = 30  # forwarding takes two or three attempts, a second apart

# Keeps the SDKs away from the user's account and from the network.
LOCAL_AWS = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local-stand-in",
    "AWS_SECRET_ACCESS_KEY": "local-stand-in",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
OPTIONAL_SETTINGS = ("SECRET_TTL_SECONDS", "SECRET_MAX_STALE_SECONDS", "MAX_EVENT_AGE_SECONDS")


@dataclass
class Answer:
    """The response to a request."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Message:
    """A message of the queue, as a consumer receives it."""

    id: str
    body: str
    attributes: dict[str, str]


class Stack:
    """The running function, and the actions of a sender, a consumer and an operator."""

    def __init__(self, processes: Processes, folder: Path, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._folder = folder
        self._say = say
        self._log_bytes_read = 0

    def start(self, secret: str, port: int, settings: dict[str, str], secret_is_deleted: bool) -> None:
        self._port = port
        self.url = f"http://{LOCALHOST}:{port}{PATH}"
        command = forwarder_command()
        self._say("starting ministack, which emulates Secrets Manager and SQS")
        endpoint = start_ministack(self._processes, self._folder)
        self._secrets = boto3.client("secretsmanager", endpoint_url=endpoint)
        self._secrets.create_secret(Name=SECRET_ID, SecretString=secret)
        self._sqs = boto3.client("sqs", endpoint_url=endpoint)
        self._queue_url = self._sqs.create_queue(QueueName=QUEUE_NAME)["QueueUrl"]
        self._held_queue = HeldQueue(self._sqs)
        if secret_is_deleted:
            self._say("deleting the secret, as if by mistake")
            self._secrets.delete_secret(SecretId=SECRET_ID)  # can be restored for 30 days

        self._say("starting cargo lambda watch, which emulates API Gateway and Lambda")
        watch = [str(Path(sys.prefix, "bin", "cargo-lambda")), "lambda", "watch", "--only-lambda-apis"]
        self._processes.start("cargo lambda watch", [*watch, "-A", LOCALHOST, "-P", str(self._port)], {}, ROOT)
        self._processes.wait("cargo lambda watch to listen", START_SECONDS, lambda: listens(self._port))

        self._say(f"starting the function, {os.path.relpath(command[-1], ROOT)}")
        environment = {
            **settings,
            "QUEUE_URL": self._queue_url,
            "HELD_QUEUE_URL": self._held_queue.url,
            "WEBHOOK_SECRET_ID": SECRET_ID,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_LAMBDA_RUNTIME_API": f"http://{LOCALHOST}:{self._port}/.rt",
            "AWS_LAMBDA_FUNCTION_NAME": "jw-webhook-forwarder",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        self._log = self._processes.start("forwarder", command, environment, ROOT).stdout
        self.send("GET", {}, b"")  # an answer shows that the function runs. The answer to a GET needs no AWS service
        self.wait_for_log_line()

    def send(self, method: str, headers: dict[str, str], body: bytes, path: str = PATH) -> Answer:
        """Sends a request and waits for the answer."""
        connection = http.client.HTTPConnection(LOCALHOST, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            sock = connection.sock
            self._processes.wait(f"the answer to a {method}", ANSWER_SECONDS, lambda: readable(sock))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            where = f"{LOCALHOST}:{self._port}{path}"
            raise LocalError(f"{method} {where} got no answer ({error!r}). Read the processes' output above") from error
        finally:
            connection.close()

    def restore_secret(self) -> None:
        self._secrets.restore_secret(SecretId=SECRET_ID)

    def forward_held_events(self) -> list[dict[str, Any]]:
        """Polls the held queue until the function has forwarded an event, and returns the log lines of its attempts."""
        lines: list[dict[str, Any]] = []

        def forwarded() -> bool:
            self._held_queue.poll(lambda batch: self.send("POST", {}, batch, INVOCATIONS).body)
            lines.extend(self.new_log_lines())
            return any(line["outcome"] != "held" for line in lines)

        self._processes.wait("the function to forward a held event", FORWARD_SECONDS, forwarded)
        return lines

    def receive(self) -> list[Message]:
        """Receives and deletes up to ten messages of the queue."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        messages = []
        for message in answer.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
            attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            messages.append(Message(message["MessageId"], message["Body"], attributes))
        return messages

    def new_log_lines(self) -> list[dict[str, Any]]:
        """The log lines about requests since the last call."""
        self._processes.check()
        with self._log.open("rb") as log:
            log.seek(self._log_bytes_read)
            text = log.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._log_bytes_read += len(complete)
        try:
            lines = [json.loads(line) for line in complete.splitlines()]
        except ValueError as error:
            raise LocalError("the function printed a line that is not JSON. Read its output above") from error
        return [line for line in lines if "outcome" in line]

    def wait_for_log_line(self) -> dict[str, Any]:
        """Waits for the log line of a request. Since the last call, only one request may have been sent."""
        return self._processes.wait("the function's log line", LOG_SECONDS, self.new_log_lines)[0]


@contextmanager
def running(
    secret: str,
    say: Callable[[str], None],
    port: int | None = None,
    settings: dict[str, str] | None = None,
    *,
    secret_is_deleted: bool = False,
) -> Iterator[Stack]:
    """Runs a stack until the `with` block ends. Stops every process, also after an error."""
    if port is not None and listens(port):
        raise LocalError(f"port {port} is in use. Stop the program that listens there, or omit PORT to get a free port")
    keep_to_this_machine()
    with started(BotoCoreError, ClientError) as (processes, folder):
        stack = Stack(processes, folder, say)
        stack.start(secret, port or free_port(), settings or {}, secret_is_deleted)
        yield stack


def keep_to_this_machine() -> None:
    """Removes the user's AWS settings and proxies from the environment, because every call is local."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy") or name in OPTIONAL_SETTINGS:
            del os.environ[name]
    os.environ.update(LOCAL_AWS)


def start_ministack(processes: Processes, folder: Path, settings: dict[str, str] | None = None) -> str:
    """Starts ministack and returns its URL. `settings` are added to those of ministack_environment."""
    port = free_port()
    environment = {**ministack_environment(port, folder), **(settings or {})}
    processes.start("ministack", [sys.executable, "-m", "ministack"], environment, ROOT)
    processes.wait("ministack to listen", START_SECONDS, lambda: listens(port))
    return f"http://{LOCALHOST}:{port}"


def ministack_environment(port: int, folder: Path) -> dict[str, str]:
    return {
        "BIND_HOST": LOCALHOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOCALHOST,
        "SERVICES": "sqs,secretsmanager",
        "AUTH": "false",
        "PERSIST_STATE": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),  # for ministack's pid file
        # without the settings below, ministack removes Docker containers, and listens for MQTT and SFTP
        "DOCKER_HOST": f"unix://{folder}/none",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def forwarder_command() -> list[str]:
    """The command in FORWARDER, for example an emulator with an arm64 binary. Default: the release build."""
    return shlex.split(os.environ.get("FORWARDER", "")) or [str(built("release", "forwarder", "make build"))]


def forwarder_binary() -> Path:
    return Path(forwarder_command()[-1])


def jwhook_binary() -> Path:
    """The path in JWHOOK, for example of a release's jwhook. Default: the debug build."""
    return Path(os.environ.get("JWHOOK") or built("debug", "jwhook", "make jwhook"))


def built(profile: str, name: str, by: str) -> Path:
    """A binary in the user's target directory."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    try:
        metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise LocalError("cargo is not on the PATH. Install Rust (https://rustup.rs)") from error
    except subprocess.CalledProcessError as error:
        raise LocalError(f"`{' '.join(command)}` failed:\n{error.stderr}") from error
    binary = Path(json.loads(metadata)["target_directory"], profile, name)
    if not binary.is_file():
        raise LocalError(f"{binary} does not exist. Run `{by}`")
    return binary


def free_port() -> int:
    """A free port below the range of ephemeral ports, so that no connection takes the port meanwhile."""
    for port in random.sample(range(16_384, 32_768), 100):
        with socket.socket() as sock, suppress(OSError):
            sock.bind((LOCALHOST, port))
            return port
    raise LocalError("100 random ports from 16384 to 32767 are all in use. Try again")


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0.1)[0])


def listens(port: int, host: str = LOCALHOST) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((host, port)) == 0
