"""Runs a function as Lambda does: starts it, sends events, and stops it. Other modules import this file.

The emulated Runtime API measures the times of every function. /proc has the CPU time, the memory and the threads.
"""

import os
import queue
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.certificates import Certificates
from bench.requests import Event
from bench.services import QUEUE_PATH, RUNTIME_API, SECRETS_MANAGER, SQS, Answer, Services
from processes import ROOT, LocalError, Processes, started
from stack import LOCALHOST

ANSWER_SECONDS = 120  # under valgrind the function is fifty times slower
END_SECONDS = 60
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:jw-webhook-forwarder-AbCdEf"
# This program runs on the first core and the function on the last, so that they do not compete for a core.
CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


@dataclass(frozen=True)
class Function:
    """How to start a function. `settings` has the variables that Lambda does not set."""

    name: str
    command: tuple[str, ...]
    folder: Path = ROOT
    settings: Mapping[str, str] = field(default_factory=dict)


class Instance:
    """A running function."""

    def __init__(self, name: str, services: Services, processes: Processes, pid: int, began: float) -> None:
        self._name = name
        self._processes = processes
        self._proc = Path(f"/proc/{pid}")
        self.services = services
        self.began = began

    def send(self, events: list[Event], at_once: int = 1) -> list[Answer]:
        """Sends the events, at most `at_once` at a time. Waits for all answers, and for the function's next poll."""
        answers: list[Answer] = []
        sent = 0
        while len(answers) < len(events):
            if sent < len(events) and sent - len(answers) < at_once:
                self._wait_for_poll()
                self.services.events.put(events[sent])
                sent += 1
            else:
                answers.append(self._next_answer())
        self._wait_for_poll()
        self.services.polls.release()
        return answers

    def cpu_seconds(self) -> float:
        """The function's user and system time since its start."""
        # schedstat counts nanoseconds of each thread; /proc/PID/stat counts only hundredths of a second
        tasks = (self._proc / "task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def peak_memory_bytes(self) -> int:
        return self._status("VmHWM") * 1024

    def threads(self) -> int:
        return self._status("Threads")

    def _status(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

    def _wait_for_poll(self) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.services.polls.acquire(timeout=0.2):
            self._check(deadline, "ask for an event")

    def _next_answer(self) -> Answer:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                answer = self.services.answers.get(timeout=0.2)
            except queue.Empty:
                self._check(deadline, "answer an event")
                continue
            if answer.status != answer.event.status:
                raise LocalError(f"{self._name} answered {answer.status}, not {answer.event.status}. Read its output")
            return answer

    def _check(self, deadline: float, what: str) -> None:
        if self.services.init_error:
            raise LocalError(f"{self._name} did not start: {self.services.init_error}")
        self._processes.check()
        if time.monotonic() > deadline:
            raise LocalError(f"{self._name} did not {what} within {ANSWER_SECONDS} s. Read its output above")


@contextmanager
def run(
    function: Function,
    certificates: Certificates,
    secret: str,
    *,
    sqs_seconds: float = 0,
    host: str = "localhost",
    wrapper: tuple[str, ...] = (),
) -> Iterator[Instance]:
    """Starts a function, perhaps under a wrapper such as valgrind. Stops the function when the `with` block ends."""
    if not CORES:
        raise LocalError("the benchmarks read /proc, which this system does not have. Run them on Linux")
    os.sched_setaffinity(0, CORES[:1])
    with closing(Services(certificates, secret, sqs_seconds)) as services, started() as (processes, _):
        os.sched_setaffinity(0, CORES[-1:])
        began = time.perf_counter()
        command = [*wrapper, *function.command]
        variables = environment(function, services, certificates, host)
        process = processes.start(function.name, command, variables, function.folder, inherited={}).process
        os.sched_setaffinity(0, CORES[:1])
        yield Instance(function.name, services, processes, process.pid, began)
        process.terminate()
        process.wait(END_SECONDS)  # valgrind needs time to write the profile


def environment(function: Function, services: Services, certificates: Certificates, host: str) -> dict[str, str]:
    """The function's environment: Lambda's variables, with values as long as on AWS. It has no variable of the user."""
    endpoint = {service: f"https://{host}:{services.ports[service]}" for service in (SECRETS_MANAGER, SQS)}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": "bootstrap",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEHoaCXVzLWVhc3QtMSJH".ljust(900, "x"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": "jw-webhook-forwarder",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/jw-webhook-forwarder",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/26/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
        "AWS_LAMBDA_RUNTIME_API": f"{LOCALHOST}:{services.ports[RUNTIME_API]}",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint[SECRETS_MANAGER],
        "AWS_ENDPOINT_URL_SQS": endpoint[SQS],
        "SSL_CERT_FILE": str(certificates.root),
        "AWS_CA_BUNDLE": str(certificates.bundle),
        "QUEUE_URL": f"{endpoint[SQS]}{QUEUE_PATH}",
        "WEBHOOK_SECRET_ID": SECRET_ARN,
        **function.settings,
    }
