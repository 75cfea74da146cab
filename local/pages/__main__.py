"""Prints the pages' faults, and exits with 1 if there are any."""

import sys

from pages.checks import faults
from processes import exit_with


def main() -> int:
    found = list(faults())
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    exit_with(main)
