"""Runs a command beside a ministack, whose URL the command finds in MINISTACK_URL.

Exists because the tests of jwhook start more than two hundred AWS accounts, and an account of a ministack that runs
costs a hundredth of a ministack: ministack keeps accounts apart by their access keys.

    python local/with_ministack.py cargo nextest run
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import Processes, exit_with
from stack import LOCALHOST, ROOT, START_SECONDS, free_port, listens


def main() -> int:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "BIND_HOST": LOCALHOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": LOCALHOST,
            "MINISTACK_REGION": "eu-west-1",
            "SERVICES": "cloudformation,iam,logs,secretsmanager,sqs,sts",
            "AUTH": "false",
            "PERSIST_STATE": "0",
            "LOG_LEVEL": "ERROR",
            "TMPDIR": folder,
            # it would look for containers to clean up, and listen for MQTT and SFTP
            "DOCKER_HOST": f"unix://{folder}/none",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AWS_EC2_METADATA_DISABLED": "true",
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
