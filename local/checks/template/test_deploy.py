"""Tests the output of `make deploy` and `make delete`, and the commands that they run."""

import json
import re
import subprocess
import unittest
from subprocess import CompletedProcess

import fake
from translated import ROOT, template

CONFIG = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
FAKE_SAM = 'echo "$@"\ncat .aws-sam/samconfig.toml'
PRINT_ARGUMENTS = {name: f'echo "{name} $@" >&2' for name in ("aws", "jwhook")}


def run(script: str, environment: str, sam: str, config: str = "", **shell: str) -> CompletedProcess[str]:
    files = {"samconfig.toml": config}
    command = (*fake.script(script), environment, "--profile", "p")
    return fake.run({**PRINT_ARGUMENTS, "sam": sam}, *command, files=files, **shell)


def deploy(environment: str, config: str = CONFIG, **shell: str) -> CompletedProcess[str]:
    """Runs local/deploy.sh with a sam that prints its arguments and its configuration."""
    return run("deploy.sh", environment, FAKE_SAM, config, **shell)


class Deploy(unittest.TestCase):
    def test_deploy_adds_a_revision_to_the_parameters_of_the_environment(self) -> None:
        commit = subprocess.run(fake.script("commit.sh"), capture_output=True, text=True, check=True).stdout.strip()
        for environment in ("default", "dev", "prod"):
            arguments, _, given = deploy(environment).stdout.partition("\n")
            self.assertRegex(arguments, rf"^deploy --config-file /.+ --config-env {environment} --profile p$")
            (revision,) = set(re.findall(r'"Revision=([^"]*)"', given))
            self.assertRegex(revision, template()["Parameters"]["Revision"]["AllowedPattern"])
            self.assertRegex(revision, rf"^{commit}-\d{{8}}T\d{{6}}Z$")
            self.assertEqual(given.replace(f'"Revision={revision}", ', ""), CONFIG)

    def test_deploy_adds_a_revision_to_parameters_that_sam_deploy_guided_saved(self) -> None:
        saved = '[default.deploy.parameters]\nparameter_overrides = "Endpoint=\\"HttpApi\\" Revision=\\"\\""\n'
        given = deploy("default", saved).stdout
        self.assertRegex(given, r'parameter_overrides = "Endpoint=\\"HttpApi\\" Revision=\\"\\" Revision=\S+Z"\n')

    def test_deploy_of_prod_turns_termination_protection_on(self) -> None:
        self.assertEqual(deploy("dev").stderr, "")
        protection = "aws cloudformation update-termination-protection --enable-termination-protection"
        self.assertEqual(deploy("prod").stderr, f"{protection} --stack-name jw-webhook-forwarder-prod --profile p\n")
        region = CONFIG.replace('# region = "eu-central-1"', 'region = "eu-central-1"')
        self.assertIn("-prod --region eu-central-1 --profile p\n", deploy("prod", region).stderr)

    def test_deploy_fails_if_the_environment_has_no_parameter_overrides(self) -> None:
        done = deploy("dev", '[prod.global.parameters]\nparameter_overrides = []\n[dev.global.parameters]\nstack_name = "s"\n')
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('"parameter_overrides = []" below [dev.global.parameters]', done.stderr)

    def test_deploy_with_send_sends_an_event_afterwards(self) -> None:
        self.assertEqual(deploy("dev", SEND="1").stderr, "jwhook send --stack jw-webhook-forwarder-dev --profile p\n")

    def test_deploy_rejects_an_old_sam(self) -> None:
        for version, code in {"1.155.2": 2, "1.156.0": 0, "1.170.0": 0, "2.0.0": 0}.items():
            done = fake.run({"sam": f"echo SAM CLI, version {version}"}, "make", "need-sam", cwd=ROOT)
            self.assertEqual(done.returncode, code, version)
            self.assertEqual("install 1.156.0 or newer" in done.stderr, code != 0, version)


class Delete(unittest.TestCase):
    def test_delete_prints_commands_that_remove_the_remaining_resources(self) -> None:
        arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:Secret-abc-123456"
        resources = {
            "Secret": arn, "Queue": "https://sqs/1/stack-events-x", "DeadLetterQueue": "https://sqs/1/stack-dead-x",
            "HeldQueue": "-", "ForwarderLogs": "stack-ForwarderLogs-1", "SecretAgeFilter": "other",
        }  # fmt: skip

        def prints(resources: dict[str, str]) -> str:
            listed = [{"LogicalResourceId": name, "PhysicalResourceId": value} for name, value in resources.items()]
            return f"cat <<'END'\n{json.dumps(listed, indent=2)}\nEND\n"

        def output(afterwards: str) -> CompletedProcess[str]:
            """Runs delete.sh with a sam whose `sam list` runs the script `afterwards` after the deletion."""
            delete = 'if [ $1 = delete ]; then touch deleted; echo "$@"; exit; fi\n'
            return run("delete.sh", "prod", f"{delete}if [ -e deleted ]; then\n{afterwards}\nelse\n{prints(resources)}fi")

        deleted = output("echo The input stack s does not exist; exit 1").stdout
        self.assertIn("delete --config-env prod --profile p\n", deleted)
        self.assertEqual(re.findall(r"^  (aws .*?)   #", deleted, re.MULTILINE), [
            f"aws secretsmanager delete-secret --secret-id {arn} --profile p",
            "aws sqs delete-queue --queue-url https://sqs/1/stack-events-x --profile p",
            "aws sqs delete-queue --queue-url https://sqs/1/stack-dead-x --profile p",
            "aws logs delete-log-group --log-group-name stack-ForwarderLogs-1 --profile p",
        ])  # fmt: skip
        self.assertEqual(output(prints(dict.fromkeys(resources, "-"))).stdout, deleted)  # "-": not deployed
        self.assertNotIn("is deleted", output(prints(resources)).stdout)  # the user answered "no"
        expired = output("echo ExpiredToken; exit 1")
        self.assertEqual((expired.returncode, "is deleted" in expired.stdout), (1, False))
