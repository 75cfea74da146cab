"""Runs a command with a ministack beside it. The command finds its URL in MINISTACK_URL.

`make test` uses it: the tests of jwhook need more than two hundred AWS accounts, and one ministack has an account for each
access key. A new ministack for each test takes a hundred times as long.

    python local/with_ministack.py cargo nextest run
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import Processes, exit_with
from stack import LOCALHOST, ROOT, START_SECONDS, free_port, listens, ministack_environment


def main() -> int:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = ministack_environment(port, Path(folder)) | {
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOG_LEVEL": "ERROR",
            "MINISTACK_REGION": "eu-west-1",
            "SERVICES": "cloudformation,iam,logs,secretsmanager,sqs,sts",
        }
        processes = Processes(Path(folder))
        try:
            processes.start("ministack", [sys.executable, "-m", "ministack"], environment, ROOT)
            processes.wait("ministack to listen", START_SECONDS, lambda: listens(port))
            url = f"http://{LOCALHOST}:{port}"
            return subprocess.run(sys.argv[1:], env={**os.environ, "MINISTACK_URL": url}).returncode
        finally:
            processes.stop()


if __name__ == "__main__":
    exit_with(main)
