"""`make mutants`: finds small changes of the code that no test notices. Run it after a change of the code or the tests.

cargo-mutants lists these changes (mutants). Its options select some of them, for example `--re REGEX`.
"""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

from processes import ROOT, LocalError, exit_with, tomllib
from checks.twins import BUILD, ENDED, TREE, build_forwarder, build_test, build_tests, cargo, changed, copy_tree, lock_copy, run

KNOWN = ROOT / "tests" / "mutants.toml"  # mutants that no test needs to notice, each with the reason
# The result of each mutant. A mutant that a test noticed runs again only after a change of its file.
OUTCOMES = BUILD.parent / "mutants.jsonl"
CARGO_MUTANTS = ROOT / "target" / "tools" / "bin" / "cargo-mutants"
WANTED = 0.95
# The slow tests. They run last, because a faster test notices most mutants.
LAST = ("faults::", "freeze::", "jwhook::", "load::", "oracle::")
# The mutated files of jwhook, each with the tests that run first. Then the other tests of jwhook run.
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
# In the comparison with JW's check, a thousand requests are enough to notice a mutant.
os.environ["ORACLE_CASES"] = "1000"


def mutants(options: list[str]) -> list[dict[str, Any]]:
    command = [str(CARGO_MUTANTS), "mutants", "--list", "--json", "--file=src/**/*.rs", "--exclude=src/main.rs", *options]
    listed = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE)
    if listed.returncode != 0:
        raise LocalError("cargo-mutants cannot list the mutants (see above). ARGS takes options of cargo-mutants")
    return [mutant for mutant in json.loads(listed.stdout) if own_tests(mutant) is not None]


def own_tests(mutant: dict[str, Any]) -> tuple[str, ...] | None:
    """The tests that run first for a file of jwhook; () for a file of the library; None for a file without mutants."""
    if not mutant["file"].startswith("src/bin/"):
        return ()
    return next((tests for file, tests in JWHOOK.items() if mutant["file"].startswith(file)), None)


def title(mutant: dict[str, Any]) -> str:
    """The mutant's name without the line number, which changes if a line above is added."""
    file, _, _, what = mutant["name"].split(":", 3)
    return f"{file}:{what}"


def mutated(text: str, mutant: dict[str, Any]) -> str:
    lines = text.split("\n")
    start, end = (
        sum(len(line) + 1 for line in lines[: place["line"] - 1]) + place["column"] - 1
        for place in (mutant["span"]["start"], mutant["span"]["end"])
    )
    return text[:start] + mutant["replacement"] + text[end:]


def caught_by(tests: str, own: tuple[str, ...]) -> str:
    """Returns the first unit test that fails, or else the first test of tests/it that fails twice, or else "".

    cargo-mutants would build tests/it again for each mutant. This function builds only the forwarder again.
    """
    try:
        unit = build_test(*(("--bin", "jwhook") if own else ("--lib",)), "--all-features")
    except LocalError:
        return "the compiler"
    if failed := run(unit, seconds=60):
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
        failed = run(tests, *chosen, *skip(flaky), until_failure=True)
        if not failed:
            return ""
        if ENDED in failed:
            again = run(tests, *chosen, *skip(flaky), until_failure=True)
        else:
            again = {test for test in failed if run(tests, "--exact", test)}
        if again:
            return min(again)
        flaky += tuple(failed - {ENDED})


def skip(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for name in names for word in ("--skip", name))


def judge(mutant: dict[str, Any], tests: str) -> str:
    text = (TREE / mutant["file"]).read_text(encoding="utf-8")
    with changed(mutant["file"], mutated(text, mutant)):
        return caught_by(tests, own_tests(mutant) or ())


def key(mutant: dict[str, Any]) -> str:
    content = (TREE / mutant["file"]).read_bytes()
    return hashlib.sha256(content + mutant["name"].encode()).hexdigest()


def main() -> int:
    options = sys.argv[1:]
    _lock = lock_copy()
    copy_tree()
    tests = build_tests()
    known = {entry["name"]: entry["why"] for entry in tomllib.loads(KNOWN.read_text(encoding="utf-8"))["mutant"]}
    wanted = mutants(options)
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
    print(f"mutants: {len(wanted)} made, {viable} viable, {caught} caught ({share:.1%})")
    unexplained = [mutant["name"] for mutant in missed if title(mutant) not in known]
    if unexplained:
        raise LocalError(f"no test notices {len(unexplained)} mutants. Add tests, or reasons to tests/mutants.toml")
    if not options and share < WANTED:
        raise LocalError(f"the tests notice less than {WANTED:.0%} of the mutants. Add tests")
    return 0


if __name__ == "__main__":
    exit_with(main)
