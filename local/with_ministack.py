"""Runs a command while a ministack runs. MINISTACK_URL has the ministack's URL. `make test` runs this file.

The tests of jwhook need more than two hundred AWS accounts, and one ministack has an account for each access key. A new
ministack for each test would take a hundred times as long.
"""

import os
import subprocess
import sys

from processes import exit_with, started
from stack import start_ministack


def main() -> int:
    settings = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "LOG_LEVEL": "ERROR",
        "MINISTACK_REGION": "eu-west-1",
        "SERVICES": "cloudformation,iam,logs,secretsmanager,sqs,sts",
    }
    with started() as (processes, folder):
        url = start_ministack(processes, folder, settings)
        return subprocess.run(sys.argv[1:], env={**os.environ, "MINISTACK_URL": url}).returncode


if __name__ == "__main__":
    exit_with(main)
