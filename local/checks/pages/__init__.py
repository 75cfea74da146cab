"""`python -m checks.pages`, part of `make fmt`: checks the pages' links, lengths and commands.

Run it after a change of a page, of the Makefile or of jwhook's options. No other check notices that a
page still has the old name of a heading or of an option.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def report(faults: Iterable[str]) -> int:
    """Prints each fault. If there is a fault, returns 1, otherwise 0."""
    found = list(faults)
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if found else 0
