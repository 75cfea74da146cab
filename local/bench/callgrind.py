"""Counts instructions with valgrind: a busy machine does not change the count. Other modules import this file."""

import re
from collections import Counter
from pathlib import Path

# The paths of a crate's sources: in the registry (index/name-1.2.3/), and in the standard library.
REGISTRY = re.compile(r"/registry/src/[^/]+/(?P<crate>.+?)-\d+\.\d+\.\d+[^/]*/")
BUNDLED = re.compile(r"/rust/deps/(?P<crate>.+?)-\d+\.\d+\.\d+[^/]*/")
STANDARD = re.compile(r"/library/(?:alloc|core|std|compiler-builtins)[^/]*/")
STANDARD_FUNCTION = re.compile(r"<*(?:alloc|core|std)::")
RING = re.compile(r"^ring_core_")  # ring's assembly and C

NAMED = re.compile(r"\((\d+)\)(?: (.+))?")


def wrapper(profile: Path) -> tuple[str, ...]:
    # valgrind optimizes little: most code runs once, and a slower run would reach the function's timeouts
    return ("valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--vex-iropt-level=1", "-q")


def total(profile: Path) -> int:
    totals = re.findall(r"^(?:summary|totals): (\d+)", profile.read_text(errors="replace"), re.MULTILINE)
    return int(totals[-1])


def by_crate(profile: Path) -> Counter[str]:
    """The number of instructions of each crate. A line counts for its own crate, even if another crate inlined it.

    Callgrind's format: `ob=` (library), `fl=` (file), `fn=` (function), `fi=` and `fe=` (file of inlined code) apply to
    all cost lines below them. The profile writes each name once, and then only the number of the name. The line after
    `calls=` has the cost of the called function.
    """
    names: dict[tuple[str, str], str] = {}
    place = {"ob": "", "fl": "", "fn": "", "inlined": ""}
    costs: Counter[tuple[str, ...]] = Counter()
    is_of_callee = False
    for line in profile.read_text(errors="replace").splitlines():
        key, equals, value = line.partition("=")
        if equals and key in SPACES:
            space = SPACES[key]
            name = named(names, space, value)
            if key == "fl":
                place["fl"] = place["inlined"] = name
            elif key in ("fi", "fe"):
                place["inlined"] = name
            elif key in ("ob", "fn"):
                place[key] = name
        elif key == "calls":
            is_of_callee = True
        elif line[:1] in "+-*0123456789" and line:
            if not is_of_callee:
                costs[tuple(place.values())] += int(line.split()[-1])
            is_of_callee = False
    crates: Counter[str] = Counter()
    for (library, file, function, inlined), cost in costs.items():
        # inlined code of the standard library counts for the crate of the caller
        crates[crate(library, file if STANDARD.search(inlined) else inlined, function)] += cost
    return crates


# The kind of name after each key. The keys of called functions (c…) are here too, because a name may first occur there.
SPACES = {"ob": "ob", "cob": "ob", "fn": "fn", "cfn": "fn", **dict.fromkeys(("fl", "fi", "fe", "cfi", "cfl"), "fl")}


def named(names: dict[tuple[str, str], str], space: str, value: str) -> str:
    match = NAMED.match(value)
    if not match:
        return value
    number, name = match.groups()
    if name is not None:
        names[space, number] = name
    return names[space, number]


def crate(library: str, file: str, function: str) -> str:
    if match := REGISTRY.search(file) or BUNDLED.search(file):
        return match["crate"]
    if STANDARD.search(file) or STANDARD_FUNCTION.match(function):
        return "the standard library"
    if RING.match(function):
        return "ring"
    if ".so" in Path(library).name:
        return Path(library).name.split(".so")[0].split("-")[0]
    return "jw-webhook-forwarder" if file.endswith(".rs") else "(no line numbers)"
