"""Runs a function as Lambda does: starts it, sends events, and stops it. Nobody runs this file.

Every function is measured in the same way: time by the Runtime API's clock; CPU, memory and threads by the operating
system.
"""

import os
import queue
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.certificates import Certificates
from bench.requests import Event
from bench.services import QUEUE_PATH, RUNTIME_API, SECRETS_MANAGER, SQS, Answer, Services
from processes import LocalError, Part, Processes
from stack import LOCALHOST

ANSWER_SECONDS = 120  # valgrind is fifty times slower
END_SECONDS = 60
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:jw-webhook-forwarder-AbCdEf"


@dataclass(frozen=True)
class Function:
    """A function's command, with its variables beyond those that Lambda sets."""

    name: str
    command: tuple[str, ...]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)


class Life:
    """A running function."""

    def __init__(self, function: Function, services: Services, processes: Processes, part: Part, began: float) -> None:
        self._name = function.name
        self._services = services
        self._processes = processes
        self._process = part.process
        self.began = began

    def send(self, event: Event) -> Answer:
        """Sends an event, and waits until the function asks for the next."""
        answer = self.send_all([event], at_once=1)[0]
        self.settle()
        return answer

    def send_each(self, events: list[Event]) -> list[Answer]:
        return [self.send(event) for event in events]

    def send_all(self, events: list[Event], at_once: int) -> list[Answer]:
        """Sends events, at most `at_once` concurrently."""
        answers: list[Answer] = []
        handed_out = 0
        while len(answers) < len(events):
            if handed_out < len(events) and handed_out - len(answers) < at_once:
                self._wait_for_poll()
                self._services.hand_out(events[handed_out])
                handed_out += 1
            else:
                answers.append(self._next_answer())
        return answers

    def settle(self) -> None:
        """Waits until the function asks for the next event, because then it is idle."""
        self._wait_for_poll()
        self._services.polls.release()

    def cpu_seconds(self) -> float:
        """User and system time since the start."""
        return cpu_seconds(self._process.pid)

    def peak_memory_bytes(self) -> int:
        return peak_memory_bytes(self._process.pid)

    def threads(self) -> int:
        return threads(self._process.pid)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(END_SECONDS)

    def _wait_for_poll(self) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._services.polls.acquire(timeout=0.2):
            self._check(deadline, "ask for an event")

    def _next_answer(self) -> Answer:
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                answer = self._services.answers.get(timeout=0.2)
            except queue.Empty:
                self._check(deadline, "answer an event")
                continue
            if answer.status != answer.event.status:
                raise LocalError(f"{self._name} answered {answer.status}, not {answer.event.status}")
            return answer

    def _check(self, deadline: float, what: str) -> None:
        if self._services.init_error:
            raise LocalError(f"{self._name} did not start: {self._services.init_error}")
        self._processes.check()
        if time.monotonic() > deadline:
            raise LocalError(f"{self._name} did not {what} within {ANSWER_SECONDS} s. Read its output above")


@contextmanager
def lived(
    function: Function,
    services: Services,
    certificates: Certificates,
    *,
    host: str = "localhost",
    wrapper: tuple[str, ...] = (),
) -> Iterator[Life]:
    """Runs a function while the block runs, perhaps under a wrapper such as valgrind."""
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        processes = Processes(Path(folder))
        try:
            variables = environment(function, services, certificates, host)
            with on_last_core():
                began = time.perf_counter()
                command = [*wrapper, *function.command]
                part = processes.start(function.name, command, variables, function.folder, inherited={})
            yield Life(function, services, processes, part, began)
        except LocalError:
            processes.show_output()
            raise
        finally:
            processes.stop()
            services.close()


def environment(function: Function, services: Services, certificates: Certificates, host: str) -> dict[str, str]:
    """The function's whole environment: Lambda's variables, as long as on AWS, and none of the user's."""
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


if sys.platform == "linux":

    def cpu_seconds(pid: int) -> float:
        # schedstat counts nanoseconds of each thread; /proc/PID/stat counts only hundredths of a second
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def peak_memory_bytes(pid: int) -> int:
        return status(pid, "VmHWM") * 1024

    def threads(pid: int) -> int:
        return status(pid, "Threads")

    def status(pid: int, name: str) -> int:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))

else:
    import psutil

    def cpu_seconds(pid: int) -> float:
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system

    def peak_memory_bytes(pid: int) -> int:
        return psutil.Process(pid).memory_info().rss  # the current value, because macOS has no peak of a running process

    def threads(pid: int) -> int:
        return psutil.Process(pid).num_threads()


# On Linux this program uses the first core and the function the last, so that neither waits for the other.
CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def stay_on_first_core() -> None:
    """Moves this thread, and the threads that it starts later, to the first core."""
    if CORES:
        os.sched_setaffinity(0, CORES[:1])


@contextmanager
def on_last_core() -> Iterator[None]:
    """Starts the block's processes on the last core."""
    if CORES:
        os.sched_setaffinity(0, CORES[-1:])
    try:
        yield
    finally:
        stay_on_first_core()
