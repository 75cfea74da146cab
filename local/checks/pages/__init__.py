"""`python -m checks.pages`, part of `make fmt`: checks the pages' links, lengths and commands.

Run it after a change of a page, of the Makefile or of jwhook's options. A renamed heading or a removed option breaks
pages, and no other check notices.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def report(faults: Iterable[str]) -> int:
    """Prints each fault, and returns the exit code."""
    found = list(faults)
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if found else 0
