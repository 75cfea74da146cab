"""Processes that are waited for by asking, and ended by their id whatever happens.

Exists because the demo starts three programs on somebody's machine, and must leave none of them there: not after
an error, a Ctrl-C or a `kill`, nor when one of them ends before its time.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

STOP_SECONDS = 5
INTERRUPTS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class LocalError(Exception):
    """Something that a person has to see to: what happened, to what, and what to do."""


@dataclass
class Part:
    """A process, and where its output goes."""

    name: str
    process: "subprocess.Popen[bytes]"
    stdout: Path
    stderr: Path


class Processes:
    """What was started, in that order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: list[Part] = []

    def start(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        cwd: Path,
        inherited: Mapping[str, str] = os.environ,
    ) -> Part:
        stdout, stderr = (self._folder / f"{name.replace(' ', '-')}.{stream}" for stream in ("stdout", "stderr"))
        try:
            with stdout.open("wb") as out, stderr.open("wb") as err, interrupts_later():
                process = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env={**inherited, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,  # Ctrl-C is for us to hear, and a group is ended whole
                )
                part = Part(name, process, stdout, stderr)
                self._parts.append(part)
            return part
        except OSError as error:
            raise LocalError(f"{name} could not be started ({error}): try `make clean`, then again") from error

    def check(self) -> None:
        """Raises if one of them has ended."""
        for part in self._parts:
            code = part.process.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"exit status {code}"
                raise LocalError(f"{part.name} ended by itself ({how}); the end of its output, above, should say why")

    def wait(self, what: str, seconds: float, ready: Callable[[], object]) -> None:
        """Asks until `ready`, for as long as all of them run."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise LocalError(f"waited {seconds:.0f} s for {what}, in vain; the end of each part's output is above")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends all of them, the last started first."""
        running = [part.process for part in reversed(self._parts) if part.process.poll() is None]
        for process in running:
            send_to_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                send_to_group(process, signal.SIGKILL)
                process.wait()

    def show_output(self, lines: int = 10) -> None:
        """Prints the end of what each of them wrote."""
        for part in self._parts:
            for path in (part.stdout, part.stderr):
                end = path.read_text(errors="replace").splitlines()[-lines:]
                if end:
                    print(f"\n--- {part.name}, {path.suffix[1:]} ---", *end, sep="\n", file=sys.stderr)


@contextmanager
def interrupts_later() -> Iterator[None]:
    """An interrupt between a process's start and its entry in the list would leave one that nobody knows of: it waits.

    Blocking the signals instead would hand the block down to the process, to be undone by code that runs between fork
    and exec, which is not safe beside threads and shows in the time that a start takes.
    """
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda heard, _: came.append(heard)) for number in INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for heard in came:
            signal.raise_signal(heard)


def send_to_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    # it may have ended meanwhile, which macOS reports as not permitted
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Runs a program of this folder, so that each way it can end is told in a line."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; all that was started has been ended", file=sys.stderr)
        sys.exit(130)
    except LocalError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        sys.exit(1)
