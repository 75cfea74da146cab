"""Starts processes, waits until they are ready, and stops them.

The demo starts three programs on the user's machine. All of them must end after an error, Ctrl-C or `kill`. Other
modules import this file.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

if sys.version_info >= (3, 11):
    import tomllib as tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 5
INTERRUPTS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class LocalError(Exception):
    """An error that a person must fix: what happened, to what, and what to do."""


@dataclass
class Part:
    """A process and the files with its output."""

    name: str
    process: "subprocess.Popen[bytes]"
    stdout: Path
    stderr: Path


class Processes:
    """The started processes, oldest first."""

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
                    start_new_session=True,  # only this program gets Ctrl-C, and stops the whole group
                )
                part = Part(name, process, stdout, stderr)
                self._parts.append(part)
            return part
        except OSError as error:
            raise LocalError(f"cannot start {name} ({error}). Run `make clean`, then try again") from error

    def check(self) -> None:
        """Raises an error if a process has exited."""
        for part in self._parts:
            code = part.process.poll()
            if code is not None:
                how = f"signal {-code}" if code < 0 else f"exit status {code}"
                raise LocalError(f"{part.name} exited ({how}). Read the end of its output above")

    def wait(self, what: str, seconds: float, ready: Callable[[], T]) -> T:
        """Calls `ready` until it returns a true value. After the timeout, or if a process exits, raises an error."""
        deadline = time.monotonic() + seconds
        while not (found := ready()):
            self.check()
            if time.monotonic() > deadline:
                raise LocalError(f"timeout after {seconds:.0f} s, waiting for {what}. Read the processes' output above")
            time.sleep(0.02)
        return found

    def stop(self) -> None:
        """Stops all processes, newest first."""
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
        """Prints the end of each process's output."""
        for part in self._parts:
            for path in (part.stdout, part.stderr):
                end = path.read_text(errors="replace").splitlines()[-lines:]
                if end:
                    print(f"\n--- {part.name}, {path.suffix[1:]} ---", *end, sep="\n", file=sys.stderr)


@contextmanager
def started(
    *errors: type[Exception], before_stop: Callable[[Path], None] = lambda _: None
) -> Iterator[tuple[Processes, Path]]:
    """Yields processes and a folder for a run. After a LocalError or one of `errors`, shows the processes' output."""
    folder = Path(tempfile.mkdtemp(prefix="jw-webhook-forwarder-"))
    processes = Processes(folder)
    try:
        yield processes, folder
    except (LocalError, *errors) as error:
        processes.show_output()
        raise LocalError(str(error)) from error
    finally:
        with interrupts_later():
            before_stop(folder)
            processes.stop()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Delays interrupts until the block ends: a new process must be in the list before an interrupt ends this program.

    This function does not block the signals, because they would stay blocked in the new process. Handlers store them.
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


def send_to_group(process: "subprocess.Popen[Any]", number: signal.Signals) -> None:
    # the process may have exited meanwhile, which macOS reports as PermissionError
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Runs `main` and exits with its exit code. After an error or an interrupt, prints one line."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in INTERRUPTS:
        signal.signal(number, interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; nothing is left running", file=sys.stderr)
        sys.exit(130)
    except LocalError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        sys.exit(1)
