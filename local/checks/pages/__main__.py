"""Prints the pages' faults, and exits with 1 if there are any."""

import sys

from checks.pages import report
from checks.pages.checks import faults

if __name__ == "__main__":
    sys.exit(report(faults()))
