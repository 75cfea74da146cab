"""Prints the pages' faults, and exits with 1 if there are any."""

import sys

from pages import report
from pages.checks import faults

if __name__ == "__main__":
    sys.exit(report(faults()))
