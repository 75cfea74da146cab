"""Prints what is wrong in the pages, and exits 1 if anything is."""

import sys

from pages.checks import faults

if __name__ == "__main__":
    found = list(faults())
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if found else 0)
