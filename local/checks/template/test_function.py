"""Compares the template's function with the code, and tests how a new version of the function takes over."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from printed import SETTINGS
from translated import deciding, deployed, deployed_of_type, of_type, package, resources, template

DEFAULTS = SETTINGS["variables_and_defaults"]
FUNCTION = resources()["Forwarder"]["Properties"]
VARIABLES = FUNCTION["Environment"]["Variables"]


class Function(unittest.TestCase):
    def test_template_sets_exactly_the_variables_that_the_code_reads(self) -> None:
        # Lambda sets AWS_LAMBDA_LOG_LEVEL from LoggingConfig, and the code prefers that variable to RUST_LOG
        self.assertEqual(set(VARIABLES), DEFAULTS.keys() - {"AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"})
        self.assertEqual(FUNCTION["LoggingConfig"]["ApplicationLogLevel"], {"Ref": "LogLevel"})

    def test_parameters_have_the_defaults_of_the_code(self) -> None:
        ours = {name: template()["Parameters"][VARIABLES[name]["Ref"]]["Default"] for name in VARIABLES if DEFAULTS[name]}
        self.assertEqual(ours, {name: default for name, default in DEFAULTS.items() if default})

    def test_function_has_no_variable_with_an_empty_value(self) -> None:
        for name, value in deployed()["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"].items():
            self.assertNotEqual(template()["Parameters"].get(value.get("Ref"), {}).get("Default"), "", name)

    def test_metrics_and_undelivered_events_are_logged_at_each_allowed_level(self) -> None:
        # lines with metrics and undelivered events have no level, so Lambda treats them as INFO
        self.assertEqual(template()["Parameters"]["LogLevel"]["AllowedValues"], ["TRACE", "DEBUG", "INFO"])
        self.assertEqual(FUNCTION["LoggingConfig"]["LogFormat"], "JSON")

    def test_template_has_the_packages_version_and_binary(self) -> None:
        self.assertEqual(template()["Outputs"]["Version"]["Value"], {"Fn::Sub": f"{package()['version']} (${{Revision}})"})
        (binary,) = (target["name"] for target in package()["targets"] if target["src_path"].endswith("/src/main.rs"))
        self.assertEqual(template()["Resources"]["Forwarder"]["Metadata"]["BuildProperties"], {"Binary": binary})

    def test_build_uses_the_versions_in_the_lock_file_or_fails(self) -> None:
        # sam passes no flags, so cargo-lambda reads them from the manifest. A small package has the same settings
        settings = "\n".join(f"{n} = {json.dumps(v)}" for n, v in package()["metadata"]["lambda"]["build"].items())
        manifest = '[package]\nname = "forwarder"\nversion = "{}"\nedition = "2024"\n\n[package.metadata.lambda.build]\n{}\n'
        lock = 'version = 4\n\n[[package]]\nname = "forwarder"\nversion = "0.1.0"\n'
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "src").mkdir()
            Path(folder, "src", "main.rs").write_text("fn main() {}\n", encoding="utf-8")
            Path(folder, "Cargo.lock").write_text(lock, encoding="utf-8")
            command = [Path(sys.prefix, "bin", "cargo-lambda"), "lambda", "build", "--release", "--bin", "forwarder"]
            for version, status, message in [("0.1.0", 0, "Finished"), ("0.2.0", 101, "because --locked was passed")]:
                Path(folder, "Cargo.toml").write_text(manifest.format(version, settings), encoding="utf-8")
                built = subprocess.run([*command, "--compiler", "cargo"], cwd=folder, capture_output=True, text=True)
                self.assertEqual((built.returncode, message in built.stderr), (status, True), built.stderr)

    def test_functions_timeout_is_longer_than_a_request_and_shorter_than_the_gateways(self) -> None:
        self.assertIn(FUNCTION["Timeout"], range(SETTINGS["longest_request_seconds"] + 5, 30))


class Version(unittest.TestCase):
    """The alias invokes a version. A version keeps the configuration that the function had when it was published."""

    def setUp(self) -> None:
        (self.version,) = of_type("AWS::Lambda::Version").values()
        self.description = self.version["Properties"]["Description"]

    def test_change_of_a_parameter_or_of_the_function_creates_a_version(self) -> None:
        # a new description replaces the version (CloudFormation: "Update requires: Replacement")
        function = {n: v for n, v in FUNCTION.items() if n != "ReservedConcurrentExecutions"}  # no part of a version
        self.assertEqual(deciding(self.description), deciding(function))
        self.assertLessEqual({"RolePath", "SecretName", "QueueType", "HoldUnverified", "Revision"}, deciding(self.description))
        self.assertTrue(template()["Resources"]["Forwarder"]["Properties"]["AutoPublishAliasAllProperties"])

    def test_change_of_the_revision_creates_a_version(self) -> None:
        # PublishVersion creates a version only after a change of code or configuration, such as the description
        self.assertIn("${Revision}", FUNCTION["Description"]["Fn::Sub"])

    def test_description_has_at_most_256_characters(self) -> None:
        text, _ = self.description["Fn::Sub"]
        # Name has 100 characters, Secrets Manager adds seven. IAM's ids have 21 (IAM User Guide, "IAM identifiers").
        longest = {"Name": 107, "QueueType": 8, "LogLevel": 5, "Architecture": 6, "MemorySize": 5, "HoldUnverified": 5, "Tracing": 11,
                   "ForwarderRole.RoleId": 21, "Revision": 32}  # fmt: skip
        length = len(re.sub(r"\$\{([\w.]+)\}", lambda m: "x" * longest.get(m[1], 10), text))
        self.assertLessEqual(length, 256)

    def test_old_version_stays_for_a_rollback(self) -> None:
        # for new code SAM renames the version, so CloudFormation deletes the old one; otherwise it replaces the old one
        self.assertEqual((self.version["DeletionPolicy"], self.version["UpdateReplacePolicy"]), ("Retain", "Retain"))

    def test_codedeploy_shifts_requests_to_a_new_version_and_rolls_back_on_alarms(self) -> None:
        (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
        self.assertIn("Canary10Percent5Minutes", json.dumps(group["Properties"]["DeploymentConfigName"]))
        always = {"EventsFailedAlarm", "EventsUndeliveredAlarm", "FunctionErrorsAlarm", "EndpointErrorsAlarm"}
        for endpoint, more in {"HttpApi": set(), "FunctionUrl": set(), "Both": {"FunctionUrlErrorsAlarm"}}.items():
            (found,) = deployed_of_type("AWS::CodeDeploy::DeploymentGroup", Endpoint=endpoint).values()
            self.assertTrue(found["AlarmConfiguration"]["Enabled"])
            self.assertEqual({alarm["Name"]["Ref"] for alarm in found["AlarmConfiguration"]["Alarms"]}, always | more)
        self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["Properties"]["AutoRollbackConfiguration"]["Events"])
        self.assertIn("UpdatePolicy", resources()["ForwarderAliaslive"])

    def test_stack_with_deployment_allatonce_has_no_codedeploy(self) -> None:
        types = {r["Type"] for r in resources(Deployment="AllAtOnce").values()}
        self.assertEqual({kind for kind in types if kind.startswith("AWS::CodeDeploy")}, set())
