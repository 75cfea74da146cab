"""The forwarder on this machine, with stand-ins for what AWS would put around it.

    HTTP -> `cargo lambda watch` (API Gateway, Lambda) -> the release binary -> ministack (Secrets Manager, SQS)

Exists so that `make demo` and `make run` drive the very binary that is deployed, over real HTTP.
"""

import http.client
import json
import os
import random
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from held_queue import HeldQueue
from processes import INTERRUPTS, LocalError, Processes

ROOT = Path(__file__).resolve().parent.parent
LOCALHOST = "127.0.0.1"
PATH = "/webhooks/jwplayer"
INVOCATIONS = "/2015-03-31/functions/_/invocations"  # Lambda's API; `_` is cargo lambda's only function
SECRET_ID = "jw-webhook-forwarder"
QUEUE_NAME = "jw-webhook-events"
START_SECONDS = 30  # many times what it takes
ANSWER_SECONDS = 25  # the forwarder promises 20
LOG_SECONDS = 5
FORWARD_SECONDS = 30  # many times the two or three attempts that it takes, a second apart

# What keeps the SDKs away from the user's own account, and from the network. The keys open nothing.
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
    """What the sender of a request gets."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Message:
    """What a consumer of the queue gets."""

    id: str
    body: str
    attributes: dict[str, str]


class Stack:
    """The running forwarder, seen from its three sides: the sender's, the consumer's and the operator's."""

    def __init__(self, processes: Processes, folder: Path, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._folder = folder
        self._say = say
        self._log_bytes_read = 0

    def start(self, secret: str, port: int, settings: dict[str, str], secret_is_deleted: bool) -> None:
        self._port = port
        self.url = f"http://{LOCALHOST}:{port}{PATH}"
        command = forwarder_command()
        endpoint = self._start_aws(secret)
        if secret_is_deleted:
            self._say("deleting the secret, as if by mistake")
            self._secrets.delete_secret(SecretId=SECRET_ID)  # which Secrets Manager keeps for 30 days
        self._start_gateway()
        self._start_function(command, endpoint, settings)

    def _start_aws(self, secret: str) -> str:
        self._say("starting ministack, the stand-in for Secrets Manager and SQS")
        port = free_port()
        command = [sys.executable, "-m", "ministack"]
        self._processes.start("ministack", command, ministack_environment(port, self._folder), ROOT)
        self._processes.wait("ministack to listen", START_SECONDS, lambda: listens(port))
        endpoint = f"http://{LOCALHOST}:{port}"
        self._secrets = boto3.client("secretsmanager", endpoint_url=endpoint)
        self._secrets.create_secret(Name=SECRET_ID, SecretString=secret)
        self._sqs = boto3.client("sqs", endpoint_url=endpoint)
        self._queue_url = self._sqs.create_queue(QueueName=QUEUE_NAME)["QueueUrl"]
        self._held_queue = HeldQueue(self._sqs)
        return endpoint

    def _start_gateway(self) -> None:
        self._say("starting cargo lambda watch, the stand-in for API Gateway and Lambda")
        watch = [str(Path(sys.prefix, "bin", "cargo-lambda")), "lambda", "watch", "--only-lambda-apis"]
        self._processes.start("cargo lambda watch", [*watch, "-A", LOCALHOST, "-P", str(self._port)], {}, ROOT)
        self._processes.wait("cargo lambda watch to listen", START_SECONDS, lambda: listens(self._port))

    def _start_function(self, command: list[str], endpoint: str, settings: dict[str, str]) -> None:
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
        self.send("GET", {}, b"")  # needs nothing of AWS: that it is answered says that the function runs
        self.wait_for_log_line()

    def send(self, method: str, headers: dict[str, str], body: bytes, path: str = PATH) -> Answer:
        """Sends a request as JW would, and waits for the answer."""
        connection = http.client.HTTPConnection(LOCALHOST, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            sock = connection.sock
            self._processes.wait(f"the answer to a {method}", ANSWER_SECONDS, lambda: readable(sock))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise LocalError(f"a {method} to {path} of {LOCALHOST}:{self._port} got no answer ({error!r})") from error
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
        """Takes what is in the queue now, up to ten messages, out of it."""
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
        """What the function has logged about requests since the last call."""
        self._processes.check()
        with self._log.open("rb") as log:
            log.seek(self._log_bytes_read)
            text = log.read()
        complete = text[: text.rfind(b"\n") + 1]
        self._log_bytes_read += len(complete)
        try:
            lines = [json.loads(line) for line in complete.splitlines()]
        except ValueError as error:
            raise LocalError("the function wrote a line to stdout that isn't JSON; it is above") from error
        return [line for line in lines if "outcome" in line]

    def wait_for_log_line(self) -> dict[str, Any]:
        """What the function logs about the one request that was sent since the last call."""
        lines: list[dict[str, Any]] = []

        def logged() -> bool:
            lines.extend(self.new_log_lines())
            return bool(lines)

        self._processes.wait("the function's log line", LOG_SECONDS, logged)
        return lines[0]


@contextmanager
def running(
    secret: str,
    say: Callable[[str], None],
    port: int | None = None,
    settings: dict[str, str] | None = None,
    *,
    secret_is_deleted: bool = False,
) -> Iterator[Stack]:
    """A stack that is up when the block begins, and gone when it has ended, however it ends."""
    if port is not None and listens(port):
        raise LocalError(f"port {port} is taken: end what listens there, or leave PORT out to have a free one")
    keep_to_this_machine()
    folder = Path(tempfile.mkdtemp(prefix="jw-webhook-forwarder-"))
    processes = Processes(folder)
    try:
        stack = Stack(processes, folder, say)
        stack.start(secret, port or free_port(), settings or {}, secret_is_deleted)
        yield stack
    except LocalError:
        processes.show_output()
        raise
    except (BotoCoreError, ClientError) as error:
        processes.show_output()
        raise LocalError(f"ministack, the stand-in for AWS, did not do its part: {error}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # for good: ending what runs is the last that we do
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def keep_to_this_machine() -> None:
    """Takes the user's AWS settings and proxies out of the environment: all that is talked to is local."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy") or name in OPTIONAL_SETTINGS:
            del os.environ[name]
    os.environ.update(LOCAL_AWS)


def ministack_environment(port: int, folder: Path) -> dict[str, str]:
    return {
        "BIND_HOST": LOCALHOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOCALHOST,
        "SERVICES": "sqs,secretsmanager",
        "AUTH": "false",
        "PERSIST_STATE": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),  # for its pid file
        # it would look for containers to clean up, and listen for MQTT and SFTP
        "DOCKER_HOST": f"unix://{folder}/none",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def forwarder_command() -> list[str]:
    """What starts the function: FORWARDER, for example a build for another processor with its emulator; else the release build."""
    return shlex.split(os.environ.get("FORWARDER", "")) or [str(built("release", "forwarder", "make build"))]


def forwarder_binary() -> Path:
    return Path(forwarder_command()[-1])


def jwhook_binary() -> Path:
    """JWHOOK, for example the one of a release; else the debug build."""
    return Path(os.environ.get("JWHOOK") or built("debug", "jwhook", "make jwhook"))


def built(profile: str, name: str, by: str) -> Path:
    """A binary, wherever the user's cargo puts what it builds."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    try:
        metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError as error:
        raise LocalError("there is no cargo on the PATH: install Rust (https://rustup.rs), then try again") from error
    except subprocess.CalledProcessError as error:
        raise LocalError(f"`{' '.join(command)}` failed:\n{error.stderr}") from error
    binary = Path(json.loads(metadata)["target_directory"], profile, name)
    if not binary.is_file():
        raise LocalError(f"there is no {binary}: `{by}` makes it")
    return binary


def free_port() -> int:
    """One that is free, and below those that systems give to connections, none of which takes it meanwhile."""
    for port in random.sample(range(16_384, 32_768), 100):
        with socket.socket() as sock, suppress(OSError):
            sock.bind((LOCALHOST, port))
            return port
    raise LocalError("there is no free port from 16384 to 32767")


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0.1)[0])


def listens(port: int, host: str = LOCALHOST) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((host, port)) == 0
