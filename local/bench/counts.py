"""`make counts`: compares the function's instruction counts with counts.toml. Run it after a change of the code.

Two runs differ by 0.3 % even on a busy machine; milliseconds differ by more. `--record` writes counts.toml.
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
from bench.instance import Function, run
from bench.requests import Event
from bench.services import RUNTIME_API, SECRETS_MANAGER, SQS, Services
from make_events import KEY_RING
from processes import ROOT, LocalError, exit_with
from release.package import built
from stack import LOCALHOST

FEW, MANY = 20, 100  # events to warm up, and counted events
ATTEMPTS = 3
# A forged event may cause a recheck of the secret. The function pauses after each recheck, for 0.5 s at first and then
# twice as long each time. These waits end five pauses; the pause of 8 s after the last recheck covers the counted events.
WAITS_FOR_RECHECKS = (0.0, 0.8, 1.5, 3.0, 6.0)
DOUBT = (
    f"the function reconnected after a timeout in each of {ATTEMPTS} runs. Either its start is much slower than before, "
    "or the machine is too busy: try again on an idle machine"
)
MOST_THREADS = 3  # one of the runtime, and two that resolve names


@dataclass
class Figure:
    """The instructions of `more` minus those of `less`, divided by `events`."""

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
        # the first forged events cause rechecks of the secret
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
        more = callgrind.by_crate(self._profile(binary, figure.more))
        if figure.less:
            more.subtract(callgrind.by_crate(self._profile(binary, figure.less)))
        return {crate: round(count / figure.events) for crate, count in more.most_common()}

    def promises(self, binary: Path) -> list[str]:
        """The broken promises about connections, fetches and threads.

        On a busy machine the function may reconnect after a timeout, so only a promise that is broken in each attempt
        counts.
        """
        for attempt in range(1, ATTEMPTS + 1):
            broken = self._broken(binary)
            if not broken or attempt == ATTEMPTS:
                break
            print(f"attempt {attempt} of {ATTEMPTS} had {'; '.join(broken)}: trying again", flush=True)
        return broken

    def _broken(self, binary: Path) -> list[str]:
        with run(Function("forwarder", (str(binary),)), self._certificates, KEY_RING) as instance:
            (first,) = instance.send(requests.accepted(1))
            instance.send(requests.accepted(FEW))
            threads = instance.threads()
        services = instance.services
        broken = [
            f"{services.connections[service]} connections to {service}, not 1"
            for service in (RUNTIME_API, SECRETS_MANAGER, SQS)
            if services.connections[service] != 1
        ]
        if services.fetches != 1:
            broken.append(f"{services.fetches} fetches of the secret, not 1")
        if late := [service for service, connected in services.connected if connected > first.began]:
            broken.append(f"handshakes that an event waited for: {', '.join(late)}")
        if threads > MOST_THREADS:
            broken.append(f"{threads} threads, more than {MOST_THREADS}")
        return broken

    def _profile(self, binary: Path, events: list[Event]) -> Path:
        """The profile of a run with these events and without a reconnection.

        Under valgrind a start takes seconds, so the function may reconnect after a timeout. Such a run does not count.
        If each attempt is such a run, the cheapest counts, and `doubt` says so.
        """
        forged = sum(event.status == 401 for event in events)
        fetches = 1 + min(forged, len(WAITS_FOR_RECHECKS))
        profiles = [self._folder / f"callgrind.out.{attempt}" for attempt in range(ATTEMPTS)]
        for profile in profiles:
            services = self._run(binary, events, profile)
            once = all(services.connections[service] == 1 for service in (RUNTIME_API, SECRETS_MANAGER, SQS))
            if once and services.fetches == fetches:
                return profile
        self.doubt = DOUBT
        return min(profiles, key=callgrind.total)

    def _run(self, binary: Path, events: list[Event], profile: Path) -> Services:
        function = Function("forwarder", (str(binary),))
        wrapper = callgrind.wrapper(profile)
        # an address, because resolving a name costs differently on each machine
        with run(function, self._certificates, KEY_RING, host=LOCALHOST, wrapper=wrapper) as instance:
            waits = iter(WAITS_FOR_RECHECKS)
            for event in events:
                if event.status == 401:
                    time.sleep(next(waits, 0.0))
                instance.send([event])
        return instance.services


def build_with_line_numbers() -> Path:
    """Builds the function with this machine's compiler and line numbers. Only the counts by crate need them."""
    print("==> building the function with line numbers, to count by crate (some minutes)", flush=True)
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
        raise LocalError("the build of the function with line numbers failed. Read cargo's output above")
    return target / "release" / "forwarder"


def why_not_counted() -> str:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"the recorded figures are for x86_64 Linux, and this is {platform.machine()} {platform.system()}"
    if not shutil.which("valgrind"):
        return "valgrind is not on the PATH (Debian: apt install valgrind)"
    return ""


def main() -> int:
    if sys.argv[1:] not in ([], ["--record"]):
        raise LocalError("unknown arguments. Run `make counts` or `make counts ARGS=--record`")
    if why := why_not_counted():
        if os.environ.get("CI") == "true":
            raise LocalError(f"nothing was counted: {why}")
        print(f"NOT COUNTED: {why}")
        return 0
    binary = built("x86_64", "forwarder")  # of the release, because every compiler makes other counts
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        counter = Counter(Path(folder))
        if broken := counter.promises(binary):
            raise LocalError("\n  ".join([f"each of {ATTEMPTS} attempts broke a promise. The last had:", *broken]))
        now: dict[str, int] = {}
        for figure in figures():
            now[figure.name] = round(counter.instructions(binary, figure))
            if counter.doubt:
                break  # the other figures have a start too
        now["binary_bytes"] = binary.stat().st_size
        if sys.argv[1:] == ["--record"]:
            crates = crates_of(counter, figures())
            if counter.doubt:
                raise LocalError(f"nothing was recorded: {counter.doubt}")
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
        raise LocalError("\n  ".join(["the function costs more than recorded:", *doubt, *complaints, ADVICE]))
    if counter.doubt:
        raise LocalError(counter.doubt)
    for name in record.shrunk(recorded.figures, now):
        print(f"{name} is {record.change(recorded.figures[name], now[name])}: record it with `make counts ARGS=--record`")
    print("one connection to each service, none opened by an event, one fetch of the secret")


def crates_of(counter: Counter, dearer: list[Figure]) -> dict[str, record.Crates]:
    if not dearer:
        return {}
    with_lines = build_with_line_numbers()
    return {figure.name: counter.crates(with_lines, figure) for figure in dearer}


ADVICE = "If the change is worth it, run `make counts ARGS=--record`, and give the reason in the commit."


def complaint(name: str, recorded: int, now: int) -> str:
    change = record.change(recorded, now)
    return f"{name} grew from {recorded:,} to {now:,}: {change}, more than {record.TOLERANCE:.0%}"


if __name__ == "__main__":
    exit_with(main)
