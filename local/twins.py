"""`make twins`: whether the tests fail the mistakes that receivers of webhooks are known for.

Exists because a green suite says little until one has seen it red. tests/twins.toml lists forwarders with one line
wrong; each is built in a copy of this tree, and the tests from outside (tests/it) run against it: all those that the
list names for it must fail. Where none of them does, the whole suite runs, to tell a twin that survives from a list
that names the wrong tests; both fail.

    python local/twins.py [WORDS]                 the twins whose name has all the words; without any, all
    python local/twins.py --simulation [WORDS]    those that the simulation is to find, run by it and nothing else
    python local/twins.py --check                 only whether the list fits the code, in a moment
"""

import fcntl
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "twins.toml"
TREE = ROOT / "target" / "twins" / "tree"
BUILD = ROOT / "target" / "twins" / "build"
# A twin may wait for ever where the forwarder wouldn't; the whole suite takes minutes.
RUN_SECONDS = 900
# What stands for the test that failed where a run ended without saying.
ENDED = "(the program ended before its time)"
# For the simulation to find a mistake, and then to make the schedule that shows it shorter.
FIND_SECONDS = 60
SHRINK_SECONDS = 60
SIMULATION = ("--profile", "simulation", "--test", "simulation")
# One that loops for ever may ask for memory at each turn.
MEMORY_BYTES = 8 << 30


class TwinError(Exception):
    """The list doesn't fit the code, or the code isn't fit to be judged by it."""


@dataclass
class Twin:
    name: str
    file: str
    wrong: tuple[str, str]
    fails: list[str]
    simulation: list[str]

    @property
    def source(self) -> Path:
        return TREE / self.file


def twins() -> list[Twin]:
    entries = tomllib.loads(LIST.read_text(encoding="utf-8"))["twin"]
    return [
        Twin(entry["name"], entry["file"], (entry["from"], entry["to"]), entry["fails"], entry.get("simulation", []))
        for entry in entries
    ]


def check(twin: Twin) -> None:
    """Each line that is to be wrong is there just once, and each test that is to fail is in its file."""
    occurrences = (ROOT / twin.file).read_text(encoding="utf-8").count(twin.wrong[0])
    if occurrences != 1:
        raise TwinError(f"{twin.name}: {twin.file} has its line {occurrences} times: {twin.wrong[0]}")
    if not twin.fails and not twin.simulation:
        raise TwinError(f"{twin.name}: no test is named for it, and no promise of the simulation's")
    promises = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "simulation" / "judge").glob("*.rs")]
    for promise in twin.simulation:
        if not any(f'"{promise}"' in text for text in promises):
            raise TwinError(f"{twin.name}: the simulation knows no promise to {promise}")
    for test in twin.fails:
        *modules, function = test.split("::")
        file = ROOT.joinpath("tests", "it", *modules).with_suffix(".rs")
        if not file.exists() or f"fn {function}(" not in file.read_text(encoding="utf-8"):
            raise TwinError(f"{twin.name}: there is no test {test}")


def only_one() -> IO[str]:
    """Keeps other runs out of the copy for as long as the result lives."""
    BUILD.mkdir(parents=True, exist_ok=True)
    lock = (BUILD.parent / "lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise TwinError("make twins or make mutants is running: wait for it, or end it") from None
    return lock


def copy_tree() -> None:
    """What git would commit. A file that hasn't changed keeps its time, so that cargo builds no more than it has to."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    names = {name for name in os.fsdecode(listed.stdout).split("\0") if name and (ROOT / name).is_file()}
    for old in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        content, copy = (ROOT / name).read_bytes(), TREE / name
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def cargo(*arguments: str) -> str:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILD), "CARGO_PROFILE_DEV_DEBUG": "0"}
    done = subprocess.run(
        ["cargo", *arguments, "--locked", "--quiet"], cwd=TREE, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise TwinError(f"cargo {arguments[0]}:\n{done.stderr}")
    return done.stdout


def build_tests() -> str:
    """The program of tests. It runs the forwarder as a process, from the path where cargo puts each twin."""
    return executable("it", cargo("test", "--test", "it", "--all-features", "--no-run", "--message-format=json"))


def build_simulation() -> str:
    """The simulation, which has the forwarder in it."""
    return executable("simulation", cargo("test", *SIMULATION, "--no-run", "--message-format=json"))


def executable(test: str, messages: str) -> str:
    artifacts = (json.loads(message) for message in messages.splitlines())
    targets = (message for message in artifacts if message["reason"] == "compiler-artifact")
    return next(message["executable"] for message in targets if message["target"]["name"] == test)


def build_forwarder() -> None:
    cargo("build", "--bin", "forwarder")


def run(
    program: str, *arguments: str, seconds: int = RUN_SECONDS, until_failure: bool = False
) -> tuple[set[str], set[str]]:
    """Which tests passed and which failed. One that the time-out ended has failed, whatever it would have come to."""
    root = str(ROOT / "tests" / "it" / "support" / "root.pem")  # the Makefile's target test says why
    roots = {"SSL_CERT_DIR": "/nowhere", "SSL_CERT_FILE": root}
    environment = {**os.environ, "ORACLE_PYTHON": sys.executable, **roots}
    process = subprocess.Popen(
        [program, "--test-threads=4", *arguments],
        cwd=TREE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
    )  # fmt: skip
    results: dict[str, str] = {}
    timer = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    timer.start()
    assert process.stdout
    for line in process.stdout:
        if match := re.match(r"test (\S+) \.\.\. (ok|FAILED)$", line):
            results[match[1]] = match[2]
            if until_failure and match[2] == "FAILED":
                os.killpg(process.pid, signal.SIGKILL)  # its forwarders too
    timer.cancel()
    if process.wait() != 0 and "FAILED" not in results.values():
        results[ENDED] = "FAILED"
    return {test for test, result in results.items() if result == "ok"}, {
        test for test, result in results.items() if result == "FAILED"
    }


def judge(twin: Twin, tests: str) -> str:
    """Why the suite is not good enough for this twin; nothing, if it is."""
    right = twin.source.read_text(encoding="utf-8")
    twin.source.write_text(right.replace(*twin.wrong), encoding="utf-8")
    try:
        build_forwarder()
        passed, failed = run(tests, "--exact", *twin.fails)
        if failed == set(twin.fails):
            return ""
        if failed:
            return f"pass all the same: {', '.join(sorted(passed))}"
        _, failed = run(tests)
        return f"others fail it, name them: {', '.join(sorted(failed))}" if failed else "SURVIVES the whole suite"
    except TwinError as error:
        return f"isn't one: {error}"
    finally:
        twin.source.write_text(right, encoding="utf-8")


def find(twin: Twin) -> tuple[str, str]:
    """What the simulation says of this twin, and why that is not good enough; nothing, if it is."""
    right = twin.source.read_text(encoding="utf-8")
    twin.source.write_text(right.replace(*twin.wrong), encoding="utf-8")
    try:
        program = build_simulation()
        done = subprocess.run(
            [program, "--exact", "promise_holds_under_random_faults_in_virtual_time", "--nocapture"],
            env={**os.environ, "SIMULATION_EVENTS": str(10**9), "RUST_BACKTRACE": "0"},
            capture_output=True, text=True, timeout=FIND_SECONDS + SHRINK_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", "SURVIVES the simulation"
    except TwinError as error:
        return "", f"isn't one: {error}"
    finally:
        twin.source.write_text(right, encoding="utf-8")
    found = re.search(r"^seed (\d+) .*: promised to (.*), but$", done.stderr, re.MULTILINE)
    shortest = re.search(r"^(found after ([0-9.]+) s.*): shortest schedule: (.*)$", done.stderr, re.MULTILINE)
    if not found or not shortest:
        return "", f"ends the simulation otherwise: {done.stderr[-500:]}"
    said = f"seed {found[1]}, {shortest[1]}, {shortest[3]}"
    if float(shortest[2]) > FIND_SECONDS:
        return said, "takes too long to find"
    return said, "" if found[2] in twin.simulation else f"breaks another promise: {found[2]}"


def main(words: list[str]) -> None:
    named = [word for word in words if not word.startswith("--")]
    wanted = [twin for twin in twins() if all(word in twin.name for word in named)]
    for twin in wanted:
        check(twin)
    if "--check" in words:
        return
    began = time.monotonic()
    _lock = only_one()
    copy_tree()
    by_simulation = "--simulation" in words
    wanted = [twin for twin in wanted if (twin.simulation if by_simulation else twin.fails)]
    if not by_simulation:
        tests = build_tests()
        build_forwarder()
        _, failed = run(tests, "--exact", *sorted({test for twin in wanted for test in twin.fails}))
        if failed:
            raise TwinError(f"the forwarder itself fails: {', '.join(sorted(failed))}")
    survivors = 0
    for number, twin in enumerate(wanted, 1):
        said, fault = find(twin) if by_simulation else (f"failed by {len(twin.fails)}", judge(twin, tests))
        survivors += bool(fault)
        print(f"{number:3} {twin.name:<60} {': '.join(filter(None, [fault, said]))}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"twins: {len(wanted)} built, {len(wanted) - survivors} failed as they must, {minutes:.0f} minutes")
    if survivors:
        raise TwinError(f"{survivors} of {len(wanted)} twins")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except TwinError as error:
        sys.exit(f"error: {error}")
