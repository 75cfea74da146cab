"""`make twins`: checks that tests notice known mistakes (twins). tests/twins.toml lists the twins and the tests that
must fail. Run it after a change of the tests or of a line in the list. `--check` only compares the list with the code;
`--simulation` runs the simulation instead of tests/it; WORD... selects the twins whose name has all these words.
"""

import argparse
import fcntl
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from processes import ROOT, LocalError, exit_with, send_to_group, tomllib

LIST = ROOT / "tests" / "twins.toml"
TREE = ROOT / "target" / "twins" / "tree"
BUILD = ROOT / "target" / "twins" / "build"
RUN_SECONDS = 900  # a twin may wait for ever; the whole suite takes minutes
MEMORY_BYTES = 8 << 30  # a twin may loop for ever and allocate memory
ENDED = "(the program crashed or timed out)"  # stands for the failed test, whose name is unknown
# The most seconds in which the simulation finds a mistake, and then shortens the schedule that shows the mistake.
FIND_SECONDS = 60
SHRINK_SECONDS = 60

Twin = dict[str, Any]


def check(twin: Twin) -> None:
    """Raises an error if the code does not have the twin's line once, or if a test or a promise does not exist."""
    name = twin["name"]
    times = (ROOT / twin["file"]).read_text(encoding="utf-8").count(twin["from"])
    if times != 1:
        raise LocalError(f"{name}: {twin['file']} has the twin's line {times} times, not once. Correct twins.toml")
    if not twin["fails"] and "simulation" not in twin:
        raise LocalError(f"{name}: tests/twins.toml names no test that must fail. Name one")
    judges = (ROOT / "tests" / "simulation" / "judge").glob("*.rs")
    promises = "".join(path.read_text(encoding="utf-8") for path in judges)
    for promise in twin.get("simulation", []):
        if f'"{promise}"' not in promises:
            raise LocalError(f"{name}: tests/simulation/judge has no promise {promise!r}. Correct tests/twins.toml")
    for test in twin["fails"]:
        *modules, function = test.split("::")
        file = ROOT.joinpath("tests", "it", *modules).with_suffix(".rs")
        if not file.exists() or f"fn {function}(" not in file.read_text(encoding="utf-8"):
            raise LocalError(f"{name}: the test {test} does not exist. Correct tests/twins.toml")


def lock_copy() -> IO[str]:
    """Locks the project's copy in target/twins until the returned file is closed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    lock = (BUILD.parent / "lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise LocalError("`make twins` or `make mutants` is running. Wait until it ends") from None
    return lock


def copy_tree() -> None:
    """Copies the files that git would commit. An unchanged file keeps its date, so that cargo does not build it again."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for old in [path for path in TREE.rglob("*") if path.is_file()]:
        if str(old.relative_to(TREE)) not in names:
            old.unlink()
    for name in names:
        content, copy = (ROOT / name).read_bytes(), TREE / name
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


@contextmanager
def changed(file: str, text: str) -> Iterator[None]:
    """Replaces the text of a file in the copy until the `with` block ends."""
    path = TREE / file
    original = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(original, encoding="utf-8")


def cargo(*arguments: str) -> str:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILD), "CARGO_PROFILE_DEV_DEBUG": "0"}
    command = ["cargo", *arguments, "--locked", "--quiet"]
    done = subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise LocalError(f"`{' '.join(command)}` failed:\n{done.stderr}")
    return done.stdout


def build_test(*target: str) -> str:
    """Builds a test target and returns the path of the test program."""
    lines = cargo("test", *target, "--no-run", "--message-format=json").splitlines()
    artifacts = [line for line in map(json.loads, lines) if line["reason"] == "compiler-artifact"]
    program: str = next(artifact["executable"] for artifact in artifacts if artifact["profile"]["test"])
    return program


def build_tests() -> str:
    """Builds tests/it, which starts the forwarder from the path to which cargo builds each twin."""
    return build_test("--test", "it", "--all-features")


def build_forwarder() -> None:
    cargo("build", "--bin", "forwarder")


def run(program: str, *arguments: str, seconds: int = RUN_SECONDS, until_failure: bool = False) -> set[str]:
    """Runs tests and returns those that failed. A crash or a timeout counts as a failed test."""
    root = str(ROOT / "tests" / "it" / "support" / "root.pem")  # the Makefile gives the reason at the target `test`
    roots = {"SSL_CERT_DIR": "/nowhere", "SSL_CERT_FILE": root}
    process = subprocess.Popen(
        [program, "--test-threads=4", *arguments],
        cwd=TREE, env={**os.environ, "ORACLE_PYTHON": sys.executable, **roots}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
    )  # fmt: skip
    timer = threading.Timer(seconds, send_to_group, (process, signal.SIGKILL))
    timer.start()
    failed: set[str] = set()
    try:
        assert process.stdout
        for line in process.stdout:
            if match := re.match(r"test (\S+) \.\.\. FAILED$", line):
                failed.add(match[1])
                if until_failure:
                    return failed
        return failed or ({ENDED} if process.wait() != 0 else set())
    finally:
        timer.cancel()
        send_to_group(process, signal.SIGKILL)  # also stops the forwarders that a test started
        process.wait()


def judge(twin: Twin, tests: str) -> str:
    """Builds the twin and runs its tests. If a test passes that must fail, raises an error."""
    build_forwarder()
    failed = run(tests, "--exact", *twin["fails"])
    if failed == set(twin["fails"]):
        return f"ok, failed tests: {len(failed)}"
    if not (failed := failed or run(tests)):
        raise LocalError("no test of tests/it notices this twin. Add a test")
    passed = set(twin["fails"]) - failed
    wrong = f"must fail, but passed: {', '.join(sorted(passed))}; tests that failed: {', '.join(sorted(failed))}"
    raise LocalError(f"{wrong}. Correct tests/twins.toml")


def find(twin: Twin) -> str:
    """Runs the simulation. If it does not find the twin in time, or finds another broken promise, raises an error."""
    program = build_test("--profile", "simulation", "--test", "simulation")
    command = [program, "--exact", "promise_holds_under_random_faults_in_virtual_time", "--nocapture"]
    environment = {**os.environ, "SIMULATION_EVENTS": str(10**9), "RUST_BACKTRACE": "0"}
    seconds = FIND_SECONDS + SHRINK_SECONDS
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise LocalError(f"the simulation must notice this mistake, but finds no broken promise within {seconds} s") from None
    found = re.search(r"^seed (\d+) .*: promised to (.*), but$", done.stderr, re.MULTILINE)
    shortest = re.search(r"^(found after ([0-9.]+) s.*): shortest schedule: (.*)$", done.stderr, re.MULTILINE)
    if not found or not shortest:
        raise LocalError(f"the simulation must notice this mistake, but ends without a broken promise: {done.stderr[-500:]}")
    said = f"seed {found[1]}, {shortest[1]}, {shortest[3]}"
    if float(shortest[2]) > FIND_SECONDS:
        raise LocalError(f"the simulation needed more than {FIND_SECONDS} s: {said}")
    if found[2] not in twin["simulation"]:
        raise LocalError(f"the twin breaks a promise that tests/twins.toml does not name: {found[2]}: {said}")
    return f"ok, {said}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--simulation", action="store_true")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    listed: list[Twin] = tomllib.loads(LIST.read_text(encoding="utf-8"))["twin"]
    for twin in listed:
        check(twin)
    if given.check:
        return 0
    chosen = [twin for twin in listed if twin.get("simulation" if given.simulation else "fails")]
    chosen = [twin for twin in chosen if all(word in twin["name"] for word in given.words)]
    _lock = lock_copy()
    copy_tree()
    if not given.simulation:
        tests = build_tests()
        build_forwarder()
        if failed := run(tests, "--exact", *sorted({test for twin in chosen for test in twin["fails"]})):
            raise LocalError(f"these tests fail before a mistake is built in: {', '.join(sorted(failed))}. Fix them")
    missed = 0
    for number, twin in enumerate(chosen, 1):
        right = (TREE / twin["file"]).read_text(encoding="utf-8")
        try:
            with changed(twin["file"], right.replace(twin["from"], twin["to"])):
                said = find(twin) if given.simulation else judge(twin, tests)
        except LocalError as error:
            missed += 1
            said = f"failed: {error}"
        print(f"{number:3} {twin['name']:<60} {said}", flush=True)
    print(f"twins: {len(chosen)} built, {len(chosen) - missed} noticed")
    if missed:
        raise LocalError(f"{missed} of {len(chosen)} twins are not noticed as tests/twins.toml says. Read the lines above")
    return 0


if __name__ == "__main__":
    exit_with(main)
