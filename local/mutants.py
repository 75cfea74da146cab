"""`make mutants`: finds small changes of the code that no test notices. Run it after a change of the code or the tests.

cargo-mutants lists the mutants: a changed operator, match arm or function body, in the library and in some files of
jwhook. This program builds each, because cargo-mutants would build tests/it again each time. The unit tests run first,
then the tests in tests/it; a failure of the latter counts only if it happens twice.

    python local/mutants.py [WORDS]              the mutants whose name has all the words; without words, all
    python local/mutants.py --shard 0/8 [WORDS]  every eighth of those; 1/8 to 7/8 are the others

target/twins/mutants.jsonl keeps the results. A mutant of an unchanged file does not run again, unless it was missed.
tests/mutants.toml gives the reason for each mutant that may be missed.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from typing import Any

from twins import BUILD, ENDED, ROOT, TREE, TwinError, tomllib
from twins import build_forwarder, build_tests, cargo, copy_tree, only_one, run

KNOWN = ROOT / "tests" / "mutants.toml"
OUTCOMES = BUILD.parent / "mutants.jsonl"
CARGO_MUTANTS = ROOT / "target" / "tools" / "bin" / "cargo-mutants"
WANTED = 0.95
# Slow tests that notice much. They run last.
LAST = ("faults::", "freeze::", "jwhook::", "load::", "oracle::")
# The mutated files of jwhook, each with its own tests. All tests of jwhook run after those.
JWHOOK = {
    "src/bin/jwhook/commands/create.rs": ("jwhook::creating::",),
    "src/bin/jwhook/commands/missed": ("jwhook::missing::",),
    "src/bin/jwhook/commands/recover": ("jwhook::recovering::",),
    "src/bin/jwhook/commands/rotate": ("jwhook::rotating::",),
    "src/bin/jwhook/creation.rs": ("jwhook::creating::",),
    "src/bin/jwhook/parked.rs": ("jwhook::creating::", "jwhook::rotating::"),
    "src/bin/jwhook/settling.rs": ("jwhook::creating::", "jwhook::drill::"),
    "src/bin/jwhook/keys.rs": ("jwhook::changing::", "jwhook::keeping::", "jwhook::rotating::"),
}
# The comparison with JW's check needs few requests to notice a mutant.
os.environ["ORACLE_CASES"] = "1000"


def mutants() -> list[dict[str, Any]]:
    command = [CARGO_MUTANTS, "mutants", "--list", "--json", "--file=src/**/*.rs", "--exclude=src/main.rs"]
    listed = subprocess.run(command, cwd=TREE, check=True, capture_output=True)
    return [mutant for mutant in json.loads(listed.stdout) if own_tests(mutant) is not None]


def own_tests(mutant: dict[str, Any]) -> tuple[str, ...] | None:
    """The tests of a file of jwhook; () for a file of the library; None if the file is not mutated."""
    if not mutant["file"].startswith("src/bin/"):
        return ()
    return next((tests for file, tests in JWHOOK.items() if mutant["file"].startswith(file)), None)


def title(mutant: dict[str, Any]) -> str:
    """The name without the line, because a change above moves the line."""
    file, _, _, what = mutant["name"].split(":", 3)
    return f"{file}:{what}"


def mutated(text: str, mutant: dict[str, Any]) -> str:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    first, end = mutant["span"]["start"], mutant["span"]["end"]
    return (
        text[: starts[first["line"] - 1] + first["column"] - 1]
        + mutant["replacement"]
        + text[starts[end["line"] - 1] + end["column"] - 1 :]
    )


def unit_tests(target: tuple[str, ...]) -> str:
    messages = cargo("test", *target, "--all-features", "--no-run", "--message-format=json").splitlines()
    targets = (message for message in map(json.loads, messages) if message["reason"] == "compiler-artifact")
    return next(message["executable"] for message in targets if message["executable"])  # type: ignore[no-any-return]


def caught_by(tests: str, own: tuple[str, ...]) -> str:
    """The first test that fails twice, or nothing."""
    try:
        unit = unit_tests(("--bin", "jwhook") if own else ("--lib",))
    except TwinError:
        return "the compiler"
    _, failed = run(unit, seconds=60)
    if failed:
        return min(failed)
    if own:
        cargo("build", "--bin", "jwhook", "--all-features")
        return first_that_fails(tests, own) or first_that_fails(tests, ("jwhook::", *skip(own)))
    build_forwarder()
    if by := first_that_fails(tests, skip(LAST)):
        return by
    cargo("build", "--bin", "jwhook", "--all-features")
    return first_that_fails(tests, LAST)


def first_that_fails(tests: str, chosen: tuple[str, ...]) -> str:
    flaky: tuple[str, ...] = ()
    while True:
        _, failed = run(tests, *chosen, *skip(flaky), until_failure=True)
        if not failed:
            return ""
        if ENDED in failed:
            _, again = run(tests, *chosen, *skip(flaky), until_failure=True)
        else:
            again = {test for test in failed if run(tests, "--exact", test)[1]}
        if again:
            return min(again)
        flaky += tuple(failed - {ENDED})


def skip(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for name in names for word in ("--skip", name))


def judge(mutant: dict[str, Any], tests: str) -> str:
    source = TREE / mutant["file"]
    right = source.read_text(encoding="utf-8")
    source.write_text(mutated(right, mutant), encoding="utf-8")
    try:
        return caught_by(tests, own_tests(mutant) or ())
    finally:
        source.write_text(right, encoding="utf-8")


def key(mutant: dict[str, Any]) -> str:
    content = (TREE / mutant["file"]).read_bytes()
    return hashlib.sha256(content + mutant["name"].encode()).hexdigest()


def shard(words: list[str]) -> tuple[slice, list[str]]:
    """The shard of the arguments, and the words after it."""
    if words[:1] != ["--shard"]:
        return slice(None), words
    first, _, number = words[1].partition("/") if len(words) > 1 else ("", "", "")
    if not (first.isdecimal() and number.isdecimal() and int(first) < int(number)):
        raise TwinError("--shard needs a part and the number of parts: 0/8 to 7/8")
    return slice(int(first), None, int(number)), words[2:]


def main(arguments: list[str]) -> None:
    part, words = shard(arguments)
    began = time.monotonic()
    _lock = only_one()
    copy_tree()
    tests = build_tests()
    known = {entry["name"]: entry["why"] for entry in tomllib.loads(KNOWN.read_text(encoding="utf-8"))["mutant"]}
    wanted = [mutant for mutant in mutants() if all(word in mutant["name"] for word in words)][part]
    lines = OUTCOMES.read_text(encoding="utf-8").splitlines() if OUTCOMES.exists() else []
    outcomes = {entry["key"]: entry["by"] for entry in map(json.loads, lines)}
    missed, viable = [], 0
    with OUTCOMES.open("a", encoding="utf-8") as file:
        for mutant in wanted:
            by = outcomes.get(key(mutant)) or judge(mutant, tests)
            outcomes[key(mutant)] = by
            file.write(json.dumps({"key": key(mutant), "name": mutant["name"], "by": by}) + "\n")
            file.flush()
            viable += by != "the compiler"
            if not by:
                missed.append(mutant)
                print(f"missed: {mutant['name']}: {known.get(title(mutant), 'no reason in tests/mutants.toml')}", flush=True)
    caught = viable - len(missed)
    share = caught / max(viable, 1)
    minutes = (time.monotonic() - began) / 60
    print(f"mutants: {len(wanted)} made, {viable} viable, {caught} caught ({share:.1%}), {minutes:.0f} minutes")
    unexplained = [mutant["name"] for mutant in missed if title(mutant) not in known]
    if unexplained:
        raise TwinError(f"no test notices {len(unexplained)} mutants. Add a test, or a reason to tests/mutants.toml")
    if not arguments and share < WANTED:
        raise TwinError(f"the tests notice less than {WANTED:.0%} of the mutants. Add tests")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except TwinError as error:
        sys.exit(f"error: {error}")
