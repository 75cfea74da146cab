"""The function, held against the code, and the version of it that serves."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from translated import ROOT, branches, deciding, deployed, of_type, resources, source, template

MANIFEST = (ROOT / "Cargo.toml").read_text(encoding="utf-8")


class TheFunction(unittest.TestCase):
    def test_has_exactly_the_variables_that_the_code_reads(self) -> None:
        read = set(re.findall(r'"([A-Z][A-Z_]+)"', source("config.rs"))) - {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
        # Lambda sets the one, from LoggingConfig, and it comes before the other
        read -= {"AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"}
        function = resources()["Forwarder"]["Properties"]
        self.assertEqual(set(function["Environment"]["Variables"]), read)
        self.assertEqual(function["LoggingConfig"]["ApplicationLogLevel"], {"Ref": "LogLevel"})

    def test_leaves_a_variable_out_that_is_not_set(self) -> None:
        for name, value in resources()["Forwarder"]["Properties"]["Environment"]["Variables"].items():
            for found in branches(value):
                parameter = template()["Parameters"].get(found.get("Ref", ""), {})
                may_be_empty = parameter.get("Default") == ""
                guarded = isinstance(value, dict) and "Fn::If" in value
                self.assertTrue(guarded or not may_be_empty, name)

    def test_keeps_the_lines_without_a_level(self) -> None:
        # Lambda takes them for INFO, and they are the metrics and the undelivered events
        self.assertEqual(template()["Parameters"]["LogLevel"]["AllowedValues"], ["TRACE", "DEBUG", "INFO"])
        self.assertEqual(resources()["Forwarder"]["Properties"]["LoggingConfig"]["LogFormat"], "JSON")

    def test_says_its_version_in_an_output(self) -> None:
        version = re.search(r'^\[package\]\n(?:.+\n)*?version = "([^"]+)"$', MANIFEST, re.MULTILINE)
        assert version
        self.assertEqual(template()["Outputs"]["Version"]["Value"], {"Fn::Sub": f"{version[1]} (${{Revision}})"})

    def test_is_built_from_the_package_s_binary(self) -> None:
        binary = re.search(r'\[\[bin\]\]\nname = "([^"]+)"\npath = "src/main.rs"', MANIFEST)
        assert binary
        self.assertEqual(template()["Resources"]["Forwarder"]["Metadata"]["BuildProperties"], {"Binary": binary[1]})

    def test_is_built_from_the_lock_file_s_versions_or_not_at_all(self) -> None:
        # sam gives cargo-lambda no flags: what the manifest tells it is tried on a package that is quick to build
        settings = re.search(r"^\[package\.metadata\.lambda\.build\]\n(?:.+\n)+", MANIFEST, re.MULTILINE)
        assert settings
        package = '[package]\nname = "forwarder"\nversion = "{}"\nedition = "2024"\n\n'
        lock = 'version = 4\n\n[[package]]\nname = "forwarder"\nversion = "0.1.0"\n'
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "src").mkdir()
            Path(folder, "src", "main.rs").write_text("fn main() {}\n", encoding="utf-8")
            Path(folder, "Cargo.lock").write_text(lock, encoding="utf-8")
            command = [Path(sys.prefix, "bin", "cargo-lambda"), "lambda", "build", "--release", "--bin", "forwarder"]
            for version, status, says in [("0.1.0", 0, "Finished"), ("0.2.0", 101, "because --locked was passed")]:
                Path(folder, "Cargo.toml").write_text(package.format(version) + settings[0], encoding="utf-8")
                built = subprocess.run([*command, "--compiler", "cargo"], cwd=folder, capture_output=True, text=True)
                self.assertEqual((built.returncode, says in built.stderr), (status, True), built.stderr)

    def test_has_more_time_than_a_request_takes_and_less_than_the_gateway_waits(self) -> None:
        budget = re.search(r"const MAX_DURATION: Duration = Duration::from_secs\((\d+)\)", source("forwarder.rs"))
        assert budget
        timeout = resources()["Forwarder"]["Properties"]["Timeout"]
        self.assertTrue(int(budget[1]) + 5 <= timeout < 30, timeout)


class AVersion(unittest.TestCase):
    """The alias serves a version, and a version holds the values that it was made with."""

    def test_is_made_anew_when_a_parameter_of_the_function_changes(self) -> None:
        (version,) = of_type("AWS::Lambda::Version").values()
        description = version["Properties"]["Description"]  # CloudFormation: "Update requires: Replacement"
        function = dict(resources()["Forwarder"]["Properties"])
        del function["ReservedConcurrentExecutions"]  # which no version holds
        self.assertEqual(deciding(description), deciding(function))
        self.assertLessEqual({"RolePath", "SecretName", "QueueType", "HoldUnverified", "Revision"}, deciding(description))

    def test_has_a_description_that_lambda_takes(self) -> None:
        (version,) = of_type("AWS::Lambda::Version").values()
        text, _ = version["Properties"]["Description"]["Fn::Sub"]
        # Name is 100 characters and Secrets Manager's seven. IAM's ids have 21 (IAM User Guide, "IAM identifiers").
        longest = {"Name": 107, "QueueType": 8, "LogLevel": 5, "Architecture": 6, "MemorySize": 5, "HoldUnverified": 5, "Tracing": 11,
                   "ForwarderRole.RoleId": 21, "Revision": 32}  # fmt: skip
        length = len(re.sub(r"\$\{([\w.]+)\}", lambda m: "x" * longest.get(m[1], 10), text))
        self.assertLessEqual(length, 256)

    def test_is_another_one_to_lambda_with_another_revision(self) -> None:
        # PublishVersion compares code and configuration with the last version, and the description is configuration
        self.assertIn("${Revision}", resources()["Forwarder"]["Properties"]["Description"]["Fn::Sub"])

    def test_is_made_anew_when_the_function_s_lines_change(self) -> None:
        self.assertTrue(template()["Resources"]["Forwarder"]["Properties"]["AutoPublishAliasAllProperties"])

    def test_stays_when_another_takes_its_place(self) -> None:
        # when the code changes SAM gives the version another name, else CloudFormation replaces it: see above
        (version,) = of_type("AWS::Lambda::Version").values()
        self.assertEqual((version["DeletionPolicy"], version["UpdateReplacePolicy"]), ("Retain", "Retain"))

    def test_takes_over_through_codedeploy_which_rolls_back_on_alarms(self) -> None:
        (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
        properties = group["Properties"]
        style = properties["DeploymentConfigName"]
        self.assertIn("Canary10Percent5Minutes", json.dumps(style))
        always = {"EventsFailedAlarm", "EventsUndeliveredAlarm", "FunctionErrorsAlarm", "EndpointErrorsAlarm"}
        for endpoint, more in {"HttpApi": set(), "FunctionUrl": set(), "Both": {"FunctionUrlErrorsAlarm"}}.items():
            found = deployed(Endpoint=endpoint)["Resources"]["ForwarderDeploymentGroup"]["Properties"]["AlarmConfiguration"]
            self.assertTrue(found["Enabled"])
            self.assertEqual({alarm["Name"]["Ref"] for alarm in found["Alarms"]}, always | more)
        self.assertIn("DEPLOYMENT_STOP_ON_ALARM", properties["AutoRollbackConfiguration"]["Events"])
        self.assertIn("UpdatePolicy", resources()["ForwarderAliaslive"])

    def test_takes_over_at_once_where_a_test_stack_wants_it(self) -> None:
        types = {r["Type"] for r in resources(Deployment="AllAtOnce").values()}
        self.assertEqual({kind for kind in types if kind.startswith("AWS::CodeDeploy")}, set())
