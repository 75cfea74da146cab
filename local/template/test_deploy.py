"""What `make deploy` tells sam beyond samconfig.toml, and what `make delete` says."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from translated import ROOT, template

FAKE_SAM = '#!/bin/sh\necho "$@"\ncat .aws-sam/samconfig.toml\n'


def deploy(environment: str, config: str) -> subprocess.CompletedProcess[str]:
    """Runs local/deploy.sh with a sam that prints its arguments and its configuration."""
    return run("deploy", environment, config, FAKE_SAM)


def run(script: str, environment: str, config: str, fake_sam: str, **shell: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        sam = Path(folder, "bin", "sam")
        sam.parent.mkdir()
        sam.write_text(fake_sam)
        sam.chmod(0o755)
        shutil.copy(sam, sam.with_name("aws"))
        sam.with_name("aws").write_text('#!/bin/sh\necho "aws $@" >&2\n')
        shutil.copy(sam, sam.with_name("jwhook"))
        sam.with_name("jwhook").write_text('#!/bin/sh\necho "jwhook $@" >&2\n')
        Path(folder, "samconfig.toml").write_text(config)
        environ = {**os.environ, "PATH": f"{sam.parent}:{os.environ['PATH']}", **shell}
        command = ["sh", str(ROOT / "local" / f"{script}.sh"), environment, "--profile", "p"]
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


def commit() -> str:
    return subprocess.run(["sh", str(ROOT / "local" / "commit.sh")], capture_output=True, text=True, check=True).stdout.strip()


class ADeployment(unittest.TestCase):
    def test_has_a_revision_beside_the_parameters_of_its_environment(self) -> None:
        config = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
        for environment in ("default", "dev", "prod"):
            done = deploy(environment, config)
            arguments, _, given = done.stdout.partition("\n")
            self.assertRegex(arguments, rf"^deploy --config-file /.+ --config-env {environment} --profile p$")
            (revision,) = set(re.findall(r'"Revision=([^"]*)"', given))
            self.assertRegex(revision, template()["Parameters"]["Revision"]["AllowedPattern"])
            self.assertRegex(revision, rf"^{commit()}-\d{{8}}T\d{{6}}Z$")
            self.assertEqual(given.replace(f'"Revision={revision}", ', ""), config)

    def test_has_a_revision_after_what_guided_saved(self) -> None:
        saved = '[default.deploy.parameters]\nparameter_overrides = "Endpoint=\\"HttpApi\\" Revision=\\"\\""\n'
        given = deploy("default", saved).stdout
        self.assertRegex(given, r'parameter_overrides = "Endpoint=\\"HttpApi\\" Revision=\\"\\" Revision=\S+Z"\n')

    def test_of_prod_turns_termination_protection_on(self) -> None:
        config = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
        self.assertEqual(deploy("dev", config).stderr, "")
        protection = "aws cloudformation update-termination-protection --enable-termination-protection"
        self.assertEqual(deploy("prod", config).stderr, f"{protection} --stack-name jw-webhook-forwarder-prod --profile p\n")
        somewhere = config.replace('# region = "eu-central-1"', 'region = "eu-central-1"')
        self.assertIn("-prod --region eu-central-1 --profile p\n", deploy("prod", somewhere).stderr)

    def test_is_refused_where_the_environment_has_no_list_for_the_revision(self) -> None:
        done = deploy("dev", '[prod.global.parameters]\nparameter_overrides = []\n[dev.global.parameters]\nstack_name = "s"\n')
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('"parameter_overrides = []" below [dev.global.parameters]', done.stderr)

    def test_sends_an_event_afterwards_if_it_is_asked_to(self) -> None:
        config = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
        said = run("deploy", "dev", config, FAKE_SAM, SEND="1").stderr
        self.assertEqual(said, "jwhook send --stack jw-webhook-forwarder-dev --profile p\n")


class Sam(unittest.TestCase):
    def test_is_new_enough_or_refused(self) -> None:
        for version, code in {"1.155.2": 2, "1.156.0": 0, "1.170.0": 0, "2.0.0": 0}.items():
            with tempfile.TemporaryDirectory() as folder:
                sam = Path(folder, "sam")
                sam.write_text(f"#!/bin/sh\necho SAM CLI, version {version}\n")
                sam.chmod(0o755)
                shell = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
                done = subprocess.run(["make", "need-sam"], cwd=ROOT, env=shell, capture_output=True, text=True)
            self.assertEqual(done.returncode, code, version)
            self.assertEqual("install 1.156.0 or newer" in done.stderr, code != 0, version)


class ADeletion(unittest.TestCase):
    def test_says_how_to_remove_what_it_leaves(self) -> None:
        arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:Secret-abc-123456"
        there = {
            "Secret": arn, "Queue": "https://sqs/1/stack-events-x", "DeadLetterQueue": "https://sqs/1/stack-dead-x",
            "HeldQueue": "-", "ForwarderLogs": "stack-ForwarderLogs-1", "SecretAgeFilter": "other",
        }  # fmt: skip
        listed = [{"LogicalResourceId": name, "PhysicalResourceId": value} for name, value in there.items()]
        (lists, deletes) = (f"cat <<'END'\n{json.dumps(listed, indent=2)}\nEND\n", 'echo "$@"\n')
        fake_sam = f"#!/bin/sh\nif [ $1 = delete ]; then touch gone; {deletes}elif [ -e gone ]; then echo The input stack s does not exist; exit 1; else\n{lists}fi\n"
        self.assertNotIn("gone", run("delete", "prod", "", fake_sam.replace("touch gone; ", "")).stdout)  # who answers no
        said = run("delete", "prod", "", fake_sam).stdout
        self.assertIn("delete --config-env prod --profile p\n", said)
        self.assertEqual(re.findall(r"^  (aws .*?)   #", said, re.MULTILINE), [
            f"aws secretsmanager delete-secret --secret-id {arn} --profile p",
            "aws sqs delete-queue --queue-url https://sqs/1/stack-events-x --profile p",
            "aws sqs delete-queue --queue-url https://sqs/1/stack-dead-x --profile p",
            "aws logs delete-log-group --log-group-name stack-ForwarderLogs-1 --profile p",
        ])  # fmt: skip
        template_only = json.dumps([{**resource, "PhysicalResourceId": "-"} for resource in listed], indent=2)
        undeployed = fake_sam.replace("echo The input stack s does not exist; exit 1; ", f"cat <<'END'\n{template_only}\nEND\n")
        self.assertEqual(run("delete", "prod", "", undeployed).stdout, said)
        expired = run("delete", "prod", "", fake_sam.replace("The input stack s does not exist", "ExpiredToken"))
        self.assertEqual((expired.returncode, "The stack is gone" in expired.stdout), (1, False))
