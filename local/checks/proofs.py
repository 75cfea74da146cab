"""Checks that SECURITY.md and docs/proof.md name only tests and files that exist: part of `make test`.

Run it after you rename a test. It takes the names of the Rust tests from the test binaries, which cargo builds first.
"""

import re
import subprocess
import sys
from collections.abc import Iterator

from checks.pages import ROOT, report

PAGES = ("SECURITY.md", "docs/proof.md")
# The names of last columns. In a table of PROOFS, each row must name a test, a file or a target. OTHERS need none.
PROOFS = {"shown by", "proved by"}
OTHERS = {"seconds", "shortest schedule"}
LIST = ("cargo", "test", "--locked", "--all-features", "--quiet", "--lib", "--bins", "--tests", "--", "--list")
PYTHON = ("local/checks/template", "local/release", "examples/consumer/tests")


def tests() -> set[str]:
    listed = subprocess.run(LIST, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = set(re.findall(r"(\w+): test$", listed, re.MULTILINE))
    for path in (path for folder in PYTHON for path in (ROOT / folder).glob("test_*.py")):
        found.update(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))
    return found


def rows(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each row of each table, with the name of the table's last column."""
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
        yield from ((head[-1], cells) for cells in body)


def faults() -> Iterator[str]:
    known = tests()
    for name in PAGES:
        table = list(rows((ROOT / name).read_text(encoding="utf-8")))
        columns = {column for column, _ in table}
        if not columns & PROOFS:
            yield f"{name}: no table has the last column {' or '.join(sorted(PROOFS))}"
        for column in sorted(columns - PROOFS - OTHERS):
            yield f"{name}: a table has the unknown last column {column!r}. Add it to PROOFS or OTHERS in local/checks/proofs.py"
        for cells in (cells for column, cells in table if column in PROOFS):
            row = next(filter(None, cells))
            named = re.findall(r"`([^`]+)`", cells[-1])
            if not named:
                yield f"{name}: a row names no proof. The row: {row}"
            for proof in named:
                if not (proof in known or proof.startswith("make ") or (ROOT / proof).exists()):
                    yield f"{name}: {proof} is neither a test nor a file. The row: {row}"


if __name__ == "__main__":
    sys.exit(report(faults()))
