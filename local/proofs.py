"""Whether what SECURITY.md and docs/proof.md call on is there: each test and each file.

Exists because a page of proofs goes stale without a sound: a test is renamed, and its row still says that it shows
something. Every row of a table whose last column is "shown by" or "proved by" has to name something, and everything
that it names has to be there; a table of any other last column has to be known as one that proves nothing.
Whether their targets are there is in pages/, as for every page.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLES = ["SECURITY.md", "docs/proof.md"]
PROOFS = ("shown by", "proved by")
NO_PROOFS = ("seconds",)  # the last runs
RUST_TEST = re.compile(r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(")
PYTHON_TEST = re.compile(r"def (test_\w+)\(")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def tests() -> set[str]:
    rust = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.rs")]
    folders = (ROOT / "local" / "template", ROOT / "local" / "release", ROOT / "examples" / "consumer" / "tests")
    python = [path for folder in folders for path in folder.glob("test_*.py")]
    found = [name for path in rust for name in RUST_TEST.findall(text(path))]
    return {*found, *(name for path in python for name in PYTHON_TEST.findall(text(path)))}


def rows(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each row of a table, after the last column's name; the one with the names is not among them."""
    column = None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            column = None
        elif column is None:
            column = cells[-1]
        elif set("".join(cells)) - set("-:"):
            yield column, cells


def faults() -> Iterator[str]:
    known_tests = tests()
    for name in TABLES:
        table = list(rows(text(ROOT / name)))
        columns = {column for column, _ in table}
        if not columns & set(PROOFS):
            yield f"{name}: no table has a last column {' or '.join(PROOFS)}"
        for column in sorted(columns - {*PROOFS, *NO_PROOFS}):
            yield f"{name}: nobody knows whether a table proves something whose last column is {column!r}"
        for cells in (cells for column, cells in table if column in PROOFS):
            row = next(cell for cell in cells if cell)
            named = re.findall(r"`([^`]+)`", cells[-1])
            if not named:
                yield f"{name}: nothing shows: {row}"
            for proof in named:
                if not (proof in known_tests or proof.startswith("make ") or (ROOT / proof).exists()):
                    yield f"{name}: there is no test and no file {proof}: {row}"


def main() -> int:
    found = list(faults())
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
