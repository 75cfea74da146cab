"""`make prove-cargo-lambda`: follows docs/deploy-with-cargo-lambda.md on an emulated AWS. Run it after a change of the page
or of examples/cargo-lambda/deploy.sh.

It runs the page's `sh` blocks, compares the created resources with template.yaml, and sends events to both endpoints.
If Terraform is installed, it does the same with examples/terraform. The zip has the release binary of `make build`. It
skips the page's build for arm64, because `make arm64` runs that build.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3

from emulators.cloud import BASE
from make_events import SECRET
from processes import LocalError, exit_with
from prove import terraform
from prove.checks import StackChecks, cloud_here
from prove.like_the_template import Made, is_like_the_template
from stack import ROOT, forwarder_binary
from checks.template.translated import template

PAGE = ROOT / "docs" / "deploy-with-cargo-lambda.md"
BUILD = "cargo lambda build --release --arm64\n"
RELEASE = "0.0.0"
BLOCK_SECONDS = 600  # the block with deploy.sh takes 25 s, and some minutes while other builds run
SHELL = 'set -eua; [ ! -f variables ] || . ./variables\n'
READ = ("NAME", "QUEUE_URL", "HELD_QUEUE_URL", "SECRET_ARN", "URL", "WEBHOOK_URL")


class Reader:
    """Follows the page in a clone of the repository. Each block can read the shell variables of the earlier blocks."""

    def __init__(self, clone: Path) -> None:
        self._clone = clone
        for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "src", "tests", "examples"):
            (clone / name).symlink_to(ROOT / name)
        (clone / "target").mkdir()
        self.package = clone / f"forwarder-{RELEASE}-{BASE['Architecture']}.zip"
        with zipfile.ZipFile(self.package, "w") as archive:
            archive.write(forwarder_binary(), "bootstrap")
        tools, own = Path(sys.prefix, "bin"), clone / "bin"
        own.mkdir()
        # version 1 of the AWS CLI ignores AWS_ENDPOINT_URL for SQS
        (own / "aws").write_text(f'#!/bin/sh\nexec "{tools}/aws" --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n')
        (own / "aws").chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(own), str(tools), os.environ["PATH"]]),
            "VERSION": RELEASE,
            "ARCH": BASE["Architecture"],
        }

    def follow(self) -> dict[str, str]:
        """Runs each code block of the page. Returns the shell variables, which name the created resources."""
        blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        run = [block for block in blocks if BUILD not in block]
        if len(run) != len(blocks) - 1:
            raise LocalError(f"{len(blocks) - len(run)} `sh` blocks of {PAGE} contain {BUILD.strip()!r}. Change the page: one block must contain it")
        for block in run:
            self._sh(block)
            if "/deploy.sh" in block:
                self._sh(block)  # again, as after an interruption
        return {name: self._sh(f'printf %s "${name}"') for name in READ}

    def _sh(self, block: str) -> str:
        command = ["sh", "-c", f"{SHELL}{block}\nexport -p > variables"]
        try:
            done = subprocess.run(command, cwd=self._clone, env=self._environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=BLOCK_SECONDS)  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise LocalError(f"timeout after {BLOCK_SECONDS} s in a block of {PAGE}:\n{block}") from error
        if done.returncode != 0:
            raise LocalError(f"a block of {PAGE} failed:\n{block}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout


class Proof(StackChecks):

    def run(self, reader: Reader, folder: Path) -> None:
        self.say(f"run the commands of docs/{PAGE.name}")
        found = reader.follow()
        made = {
            "FunctionName": found["NAME"],
            "RoleName": found["NAME"],
            "LogGroup": f"/aws/lambda/{found['NAME']}",
            "SecretArn": found["SECRET_ARN"],
            "QueueUrl": found["QUEUE_URL"],
            "DeadLetterQueueUrl": f"{found['QUEUE_URL']}-dead",
            "HeldQueueUrl": found["HELD_QUEUE_URL"],
            "HeldDeadLetterQueueUrl": f"{found['HELD_QUEUE_URL']}-dead",
            "WebhookUrl": found["WEBHOOK_URL"],
        }
        is_like_the_template(self, made, "Both")
        self._works(made)
        through_url = {**made, "WebhookUrl": f"{found['URL']}webhooks/jwplayer"}
        self.delivers(through_url, "channel_active", "channel_active.json, through the function URL")

        module = terraform.applied(self, folder / "terraform", reader.package)
        if module:
            is_like_the_template(self, module, "HttpApi", terraform.DIFFERENT)
            terraform.alarms_are_like_the_template(self, module)
            self._works(module)

    def _works(self, made: Made) -> None:
        self._holds_an_event_without_the_secret(made)
        self.delivers(made, "media_available", "media_available.json, through the HTTP API")
        self.answers("forged.json", made, "forged", 401)
        self.logged(made, "refused", "signature_invalid")

    def _holds_an_event_without_the_secret(self, made: Made) -> None:
        iam, role, policy = boto3.client("iam"), made["RoleName"], "forwarder"
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        without = [statement for statement in document["Statement"] if statement["Sid"] != "FetchTheSecret"]
        self.cloud.retry_each_second(made["HeldQueueUrl"])
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps({**document, "Statement": without}))
        self.answers("without FetchTheSecret, a valid event", made, "media_created", 503)
        self.logged(made, "held", "secret_unavailable")
        self.check("the number of held events", self.cloud.held(made["HeldQueueUrl"]), 1)
        boto3.client("secretsmanager").put_secret_value(SecretId=made["SecretArn"], SecretString=SECRET)
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))
        self.cloud.wait_for_log(made["LogGroup"], source="held_queue", outcome="accepted")
        self.arrived("with FetchTheSecret again, the held event arrives as signed", made, "media_created")


def main() -> int:
    with cloud_here() as (cloud, folder):
        proof = Proof(cloud, template(), folder)
        clone = folder / "clone"
        clone.mkdir()
        proof.run(Reader(clone), folder)
    print(f"{proof.checks} checks of deployments without CloudFormation, all ok. Nothing is left running.")
    return 0


if __name__ == "__main__":
    exit_with(main)
