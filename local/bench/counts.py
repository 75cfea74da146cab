"""`make counts`: the function's instructions, held against those that were recorded.

Exists so that what costs time is noticed when it comes in, whatever the machine is busy with: a dependency that
computes at its start, a root that is read for nothing, a second handshake. Milliseconds can't be asserted on a shared machine;
instructions can, as they are the same each time (within 0.3 %).

    python -m bench.counts             more than 3 % above counts.toml fails, and says what grew
    python -m bench.counts --record    writes counts.toml

Its crates' shares tell what grew. They come from a build with line numbers, which takes minutes: it is made when
figures are recorded, and when they are exceeded.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import callgrind, certificates, record, requests
from bench.life import Function, lived, stay_on_first_core
from bench.requests import Event
from bench.services import RUNTIME_API, SECRETS_MANAGER, SQS, Services
from make_events import KEY_RING
from processes import LocalError, exit_with
from stack import LOCALHOST, ROOT, forwarder_binary

# Events before those that count, which fill what the first ones have to make; and those that count.
FEW, MANY = 20, 100
ATTEMPTS = 3
# A forged event may have the secret fetched once more. The function pauses after each such fetch, for 0.5 s at first and
# then twice as long each time. So many are waited for, with some time to spare; the pause of 8 s after the last one
# outlasts the events that count.
WAITS_FOR_RECHECKS = (0.0, 0.8, 1.5, 3.0, 6.0)
DOUBT = (
    f"in each of {ATTEMPTS} runs a time-out of the function's passed, and it connected again: either its start has "
    "become so dear, or the machine is too busy to count on"
)
MOST_THREADS = 3  # the runtime's, and those that look up two names at once


@dataclass
class Figure:
    """Instructions of `more`, less those of `less`, for each of `events`."""

    name: str
    more: list[Event]
    less: list[Event]
    events: int


def figures() -> list[Figure]:
    accepted = requests.accepted(1 + FEW + MANY)
    spaced = requests.accepted(1 + FEW + MANY, spaced=True)
    forged = requests.forged(FEW + MANY)
    warm = accepted[: 1 + FEW]
    return [
        Figure("first_answer", accepted[:1], [], 1),
        Figure("warm_event", accepted, warm, MANY),
        Figure("warm_event_spelled_otherwise", spaced, spaced[: 1 + FEW], MANY),
        # the first of them have the secret fetched once more
        Figure("forged_event", warm + forged, warm + forged[:FEW], MANY),
    ]


class Counter:
    """Runs the function under valgrind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._certificates = certificates.make(folder)
        self.doubt = ""

    def instructions(self, binary: Path, figure: Figure) -> float:
        less = callgrind.total(self._profile(binary, figure.less)) if figure.less else 0
        return (callgrind.total(self._profile(binary, figure.more)) - less) / figure.events

    def crates(self, binary: Path, figure: Figure) -> dict[str, int]:
        """The instructions of each crate."""
        more = callgrind.by_crate(self._profile(binary, figure.more))
        if figure.less:
            more.subtract(callgrind.by_crate(self._profile(binary, figure.less)))
        return {crate: round(count / figure.events) for crate, count in more.most_common()}

    def promises(self, binary: Path) -> list[str]:
        """What is broken of that which holds for every life of the function, however many events it has.

        On a busy machine a time-out of the function's may pass in one life, and it connects again. What the function
        does by itself is there each time.
        """
        for attempt in range(1, ATTEMPTS + 1):
            broken = self._broken(binary)
            if not broken or attempt == ATTEMPTS:
                break
            print(f"in life {attempt} of {ATTEMPTS} there were {'; '.join(broken)}: looking again", flush=True)
        return broken

    def _broken(self, binary: Path) -> list[str]:
        services = Services(self._certificates, KEY_RING)
        with lived(Function("forwarder", (str(binary),), self._folder), services, self._certificates) as life:
            began = life.send(requests.accepted(1)[0]).began
            life.send_each(requests.accepted(FEW))
            threads = life.threads()
            life.end()
        broken = [
            f"{services.connections[service]} connections to {service}, not 1"
            for service in (RUNTIME_API, SECRETS_MANAGER, SQS)
            if services.connections[service] != 1
        ]
        if services.requests[SECRETS_MANAGER] != 1:
            broken.append(f"{services.requests[SECRETS_MANAGER]} requests for the secret, not 1")
        if late := [service for service, connected in services.connected if connected > began]:
            broken.append(f"handshakes that an event waited for: {', '.join(late)}")
        if threads > MOST_THREADS:
            broken.append(f"{threads} threads, not {MOST_THREADS} at most")
        return broken

    def _profile(self, binary: Path, events: list[Event]) -> Path:
        """The profile of a life with these events, and with nothing else in it.

        Under valgrind, and on a busy machine, a start takes seconds: a time-out of the function's may pass, and what it
        does then isn't what is to be counted. `promises` has shown that it opens one connection to each service. Where
        each run is like that, the start itself may have become so dear: the cheapest of them is counted, and that said.
        """
        forged = sum(event.status == 401 for event in events)
        secret_requests = 1 + min(forged, len(WAITS_FOR_RECHECKS))
        profiles = [self._folder / f"callgrind.out.{attempt}" for attempt in range(ATTEMPTS)]
        for profile in profiles:
            services = self._run(binary, events, profile)
            once = all(services.connections[service] == 1 for service in (RUNTIME_API, SECRETS_MANAGER, SQS))
            if once and services.requests[SECRETS_MANAGER] == secret_requests:
                return profile
        self.doubt = DOUBT
        return min(profiles, key=callgrind.total)

    def _run(self, binary: Path, events: list[Event], profile: Path) -> Services:
        services = Services(self._certificates, KEY_RING)
        function = Function("forwarder", (str(binary),), self._folder)
        wrapper = callgrind.wrapper(profile)
        # by its address: how a name is looked up depends on the machine
        with lived(function, services, self._certificates, host=LOCALHOST, wrapper=wrapper) as life:
            waits = iter(WAITS_FOR_RECHECKS)
            for event in events:
                if event.status == 401:
                    time.sleep(next(waits, 0.0))
                life.send(event)
            life.end()
        return services


def build_with_line_numbers() -> Path:
    """The same code as the release binary's, with what tells whose it is."""
    print("==> the function with line numbers, to tell its crates' shares (some minutes)", flush=True)
    target = ROOT / "target" / "counted"
    environment = {
        **os.environ,
        "CARGO_PROFILE_RELEASE_STRIP": "none",
        "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only",
        "CARGO_TARGET_DIR": str(target),
        "MAKEFLAGS": "",
    }
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--bin", "forwarder"]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode != 0:
        raise LocalError("the function with line numbers could not be built; cargo says why, above")
    return target / "release" / "forwarder"


def why_not_counted() -> str:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"the recorded figures are of x86_64 Linux, and this is {platform.machine()} {platform.system()}"
    if not shutil.which("valgrind"):
        return "there is no valgrind on the PATH (Debian: apt install valgrind)"
    return ""


def main() -> int:
    if sys.argv[1:] not in ([], ["--record"]):
        raise LocalError("usage: make counts, or make counts ARGS=--record")
    if why := why_not_counted():
        if os.environ.get("CI") == "true":
            raise LocalError(f"nothing was counted: {why}")
        print(f"NOT COUNTED: {why}")
        return 0
    binary = forwarder_binary()
    stay_on_first_core()
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        counter = Counter(Path(folder))
        if broken := counter.promises(binary):
            raise LocalError("\n  ".join([f"in each of {ATTEMPTS} lives of the function a promise was broken; in the last there were", *broken]))
        now: dict[str, int] = {}
        for figure in figures():
            now[figure.name] = round(counter.instructions(binary, figure))
            if counter.doubt:
                break  # a start is in each of the others
        now["binary_bytes"] = binary.stat().st_size
        if sys.argv[1:] == ["--record"]:
            crates = crates_of(counter, figures())
            if counter.doubt:
                raise LocalError(f"nothing is recorded: {counter.doubt}")
            record.write(record.Record(now, crates))
            print(f"recorded in {record.PATH.relative_to(ROOT)}")
        else:
            compare(counter, now)
    return 0


def compare(counter: Counter, now: dict[str, int]) -> None:
    recorded = record.read()
    for name, figure in now.items():
        print(f"  {name:<30} {figure:>12,}   {record.change(recorded.figures[name], figure):>6} of the record")
    if grown := record.grown(recorded.figures, now):
        complaints = [complaint(name, recorded.figures[name], now[name]) for name in grown]
        for name, crates in crates_of(counter, [figure for figure in figures() if figure.name in grown]).items():
            complaints += [f"what grew in {name}:", *record.what_grew(recorded.crates[name], crates)]
        doubt = [counter.doubt] if counter.doubt else []
        raise LocalError("\n  ".join(["the function costs more than it did:", *doubt, *complaints, ADVICE]))
    if counter.doubt:
        raise LocalError(counter.doubt)
    for name in record.shrunk(recorded.figures, now):
        print(f"{name} is {record.change(recorded.figures[name], now[name])}: `make counts ARGS=--record` keeps it so")
    print("one connection to each service, none opened by an event, one request for the secret")


def crates_of(counter: Counter, dearer: list[Figure]) -> dict[str, record.Crates]:
    if not dearer:
        return {}
    with_lines = build_with_line_numbers()
    return {figure.name: counter.crates(with_lines, figure) for figure in dearer}


ADVICE = "If it is worth that: `make counts ARGS=--record`, and say in the commit what was bought."


def complaint(name: str, recorded: int, now: int) -> str:
    change = record.change(recorded, now)
    return f"{name} went from {recorded:,} to {now:,}: {change}, where {record.TOLERANCE:.0%} are allowed"


if __name__ == "__main__":
    exit_with(main)
