"""`make counts`: compares the function's instruction counts with counts.toml. Run it after a change of the code.

The counts of two runs differ by 0.3 %, even on a busy machine; times differ by more. `--record` writes counts.toml.
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

FEW, MANY = 20, 100  # the number of events that warm up the function, and of counted events
ATTEMPTS = 3
# A forged event causes a recheck of the secret, but none in the 0.5 s, 1 s, 2 s, 4 s and 8 s after rechecks 1 to 5. The
# run waits these seconds before the first five forged events. The counted events then fall into the pause of 8 s.
WAITS_FOR_RECHECKS = (0.0, 0.8, 1.5, 3.0, 6.0)
DOUBT = (
    f"the function reconnected after a timeout in each of {ATTEMPTS} runs. Try again on an idle machine. If the "
    "function reconnects there too, its start has become much slower: correct the code"
)
MOST_THREADS = 3  # the runtime's thread, and two threads that resolve host names


@dataclass
class Figure:
    """The instructions of a run with `more` minus those of a run with `less`, divided by `events`."""

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
        """Runs the function and returns the broken promises about connections, fetches and threads.

        On a busy machine the function may reconnect after a timeout. So if a promise is broken, this method repeats the
        run, and returns the broken promises of the last attempt.
        """
        for attempt in range(1, ATTEMPTS + 1):
            broken = self._broken(binary)
            if not broken or attempt == ATTEMPTS:
                break
            print(f"attempt {attempt} of {ATTEMPTS} broke a promise: {'; '.join(broken)}. Trying again", flush=True)
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
            broken.append(f"connections that the function opened only after the first event: {', '.join(late)}")
        if threads > MOST_THREADS:
            broken.append(f"{threads} threads, more than {MOST_THREADS}")
        return broken

    def _profile(self, binary: Path, events: list[Event]) -> Path:
        """Runs the function with these events and returns the profile of valgrind.

        Under valgrind a start takes seconds, so the function may reconnect after a timeout. Then this method runs it
        again. If each run has a reconnection, returns the profile with the fewest instructions, and sets `doubt`.
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
        # an IP address, because the cost of resolving a host name differs between machines
        with run(function, self._certificates, KEY_RING, host=LOCALHOST, wrapper=wrapper) as instance:
            waits = iter(WAITS_FOR_RECHECKS)
            for event in events:
                if event.status == 401:
                    time.sleep(next(waits, 0.0))
                instance.send([event])
        return instance.services


def build_with_line_numbers() -> Path:
    """Builds the function with line numbers, which the counts by crate need, and with this machine's compiler."""
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
        raise LocalError("cargo could not build the function with line numbers. Read cargo's output above")
    return target / "release" / "forwarder"


def why_not_counted() -> str:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return f"the recorded figures are for x86_64 Linux, and this one is {platform.machine()} {platform.system()}"
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
    binary = built("x86_64", "forwarder")  # the release's binary, because each compiler gives other counts
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        counter = Counter(Path(folder))
        if broken := counter.promises(binary):
            raise LocalError("\n  ".join([f"the function broke promises in {ATTEMPTS} runs. Correct it:", *broken]))
        now: dict[str, int] = {}
        for figure in figures():
            now[figure.name] = round(counter.instructions(binary, figure))
            if counter.doubt:
                break  # each other figure needs a start too, and would be as doubtful
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
        print(f"  {name:<30} {figure:>12,}   {record.change(recorded.figures[name], figure):>6} against the record")
    if grown := record.grown(recorded.figures, now):
        complaints = [complaint(name, recorded.figures[name], now[name]) for name in grown]
        for name, crates in crates_of(counter, [figure for figure in figures() if figure.name in grown]).items():
            complaints += [f"the crates that grew in {name}:", *record.what_grew(recorded.crates[name], crates)]
        doubt = [counter.doubt] if counter.doubt else []
        raise LocalError("\n  ".join(["the function costs more than recorded:", *doubt, *complaints, ADVICE]))
    if counter.doubt:
        raise LocalError(counter.doubt)
    for name in record.shrunk(recorded.figures, now):
        print(f"{name} changed by {record.change(recorded.figures[name], now[name])}. Run `make counts ARGS=--record`")
    print("ok: before the first event, the function opened one connection to each service and fetched the secret once")


def crates_of(counter: Counter, dearer: list[Figure]) -> dict[str, record.Crates]:
    if not dearer:
        return {}
    with_lines = build_with_line_numbers()
    return {figure.name: counter.crates(with_lines, figure) for figure in dearer}


ADVICE = "If the change is worth this cost, run `make counts ARGS=--record`, and give the reason in the commit message."


def complaint(name: str, recorded: int, now: int) -> str:
    change = record.change(recorded, now)
    return f"{name} grew from {recorded:,} to {now:,}: {change}, more than {record.TOLERANCE:.0%}"


if __name__ == "__main__":
    exit_with(main)
