"""Emulates Lambda's Runtime API, Secrets Manager and SQS for one function, and counts connections and requests.

Each connection has its own thread. Threads are fast enough, because all of them wait while the function works. Other
modules import this file.
"""

import hashlib
import json
import queue
import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import BinaryIO

from bench.certificates import Certificates
from bench.requests import Event
from stack import LOCALHOST

RUNTIME_API, SECRETS_MANAGER, SQS = "Runtime API", "Secrets Manager", "SQS"
QUEUE_PATH = "/123456789012/jw-webhook-events"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:jw-webhook-forwarder"
TRACE = "Root=1-6553f4a2-0a1b2c3d4e5f60718293a4b5;Parent=53995c3f42cd8ad8;Sampled=0"
DEADLINE_SECONDS = 30


@dataclass
class Answer:
    """The function's answer to an event. `began`: the event was sent. `ended`: the answer arrived."""

    event: Event
    status: int
    began: float
    ended: float


@dataclass
class Request:
    method: str
    path: str
    target: str  # the operation of an AWS service
    body: bytes


class Services:
    """Runs three emulators, each on a free port, until close() is called."""

    def __init__(self, certificates: Certificates, secret: str, sqs_seconds: float = 0) -> None:
        self._secret = secret
        self._sqs_seconds = sqs_seconds
        self._date = formatdate(usegmt=True)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificates.chain, certificates.key)
        self._tls.set_ecdh_curve("X25519")  # a newer OpenSSL would choose a longer key exchange and change the figures
        self._sockets: list[socket.socket] = []
        self._under_way: dict[str, tuple[Event, float]] = {}
        self._numbers = iter(range(1, 1 << 32))
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()  # the events to send; each poll takes one
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.polls = threading.Semaphore(0)  # the function's requests for the next event
        self.connections: Counter[str] = Counter()
        self.fetches = 0  # the number of fetches of the secret
        self.connected: list[tuple[str, float]] = []
        self.messages: list[str] = []
        self.init_error = ""
        self.ports = {service: self._listen(service) for service in (RUNTIME_API, SECRETS_MANAGER, SQS)}

    def close(self) -> None:
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _listen(self, service: str) -> int:
        listener = socket.create_server((LOCALHOST, 0), backlog=64)
        self._sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener, service), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    def _accept(self, listener: socket.socket, service: str) -> None:
        with suppress(OSError):  # closed
            while True:
                sock, _ = listener.accept()
                self.connections[service] += 1
                self.connected.append((service, time.perf_counter()))
                self._sockets.append(sock)
                threading.Thread(target=self._serve, args=(sock, service), daemon=True).start()

    def _serve(self, sock: socket.socket, service: str) -> None:
        answer = {RUNTIME_API: self._runtime_api, SECRETS_MANAGER: self._secrets_manager, SQS: self._sqs}[service]
        with suppress(OSError):  # the function has exited, or close() was called
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if service != RUNTIME_API:
                sock = self._tls.wrap_socket(sock, server_side=True)
            with sock.makefile("rb") as reader:
                while request := read_request(reader):
                    sock.sendall(answer(request))

    def _runtime_api(self, request: Request) -> bytes:
        path = request.path.removeprefix("/2018-06-01/runtime")
        if request.method == "GET" and path == "/invocation/next":
            return self._next_invocation()
        if path == "/init/error":
            self.init_error = request.body.decode(errors="replace")
        elif path.startswith("/invocation/"):
            self._answered(path.split("/")[2], request.body, time.perf_counter())
        return self._response("202 Accepted", b'{"status":"OK"}\n')

    def _next_invocation(self) -> bytes:
        self.polls.release()
        event = self.events.get()
        request_id = f"8476a536-e9f4-4abc-8def-{next(self._numbers):012x}"
        headers = (
            f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + DEADLINE_SECONDS) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {FUNCTION_ARN}\r\n"
            f"Lambda-Runtime-Trace-Id: {TRACE}\r\n"
        )
        response = self._response("200 OK", event.payload, headers)
        self._under_way[request_id] = (event, time.perf_counter())
        return response

    def _answered(self, request_id: str, body: bytes, ended: float) -> None:
        event, began = self._under_way.pop(request_id)
        try:
            status = int(json.loads(body)["statusCode"])
        except (ValueError, KeyError, TypeError):
            status = 0  # the function failed
        self.answers.put(Answer(event, status, began, ended))

    def _secrets_manager(self, request: Request) -> bytes:
        if request.target != "secretsmanager.GetSecretValue":
            return self._response("400 Bad Request", b'{"__type":"UnknownOperationException"}')
        self.fetches += 1
        answer = {
            "ARN": json.loads(request.body)["SecretId"],
            "Name": "jw-webhook-forwarder",
            "SecretString": self._secret,
            "VersionId": "EXAMPLE1-90ab-cdef-fedc-ba987SECRET1",
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": 1.7e9,
        }
        return self._response("200 OK", json.dumps(answer).encode())

    def _sqs(self, request: Request) -> bytes:
        if request.target != "AmazonSQS.SendMessage":
            # at its start, the function opens a connection with an operation that SQS does not know
            return self._response("404 Not Found", b"<UnknownOperationException/>\n")
        asked = json.loads(request.body)
        body = asked["MessageBody"]
        self.messages.append(body)
        answer = {
            "MD5OfMessageBody": hashlib.md5(body.encode()).hexdigest(),
            "MessageId": "219f8380-5770-4cc2-8c3e-5c715e145f5e",
        }
        for kind in ("MessageAttributes", "MessageSystemAttributes"):
            if attributes := asked.get(kind):
                answer[f"MD5Of{kind}"] = md5_of_attributes(attributes)
        time.sleep(self._sqs_seconds)  # so that requests overlap
        return self._response("200 OK", json.dumps(answer).encode())

    def _response(self, status: str, body: bytes, headers: str = "") -> bytes:
        head = (
            f"HTTP/1.1 {status}\r\nDate: {self._date}\r\nContent-Type: application/json\r\n{headers}"
            f"x-amzn-RequestId: 9f4f7f5a-1c5d-5b43-8c7c-2c1f0e6d3b1a\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def md5_of_attributes(attributes: dict[str, dict[str, str]]) -> str:
    """MD5 of string attributes (SQS Developer Guide, "Calculating the MD5 message digest for message attributes")."""
    md5 = hashlib.md5()
    for name in sorted(attributes):
        kind, value = attributes[name]["DataType"], attributes[name]["StringValue"]
        for prefix, text in ((b"", name), (b"", kind), (b"\x01", value)):
            md5.update(prefix + len(text.encode()).to_bytes(4, "big") + text.encode())
    return md5.hexdigest()


def read_request(reader: BinaryIO) -> Request | None:
    """Reads an HTTP/1.1 request that has a Content-Length. If the connection is closed, returns None."""
    if not (first := reader.readline()):
        return None
    method, path, _ = first.decode().split(" ")
    headers = {}
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return Request(method, path, headers.get("x-amz-target", ""), body)
