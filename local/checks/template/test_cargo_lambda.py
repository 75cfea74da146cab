"""Compares the template with files that repeat its settings and statements for a deployment with cargo-lambda.

`make prove-cargo-lambda` runs the page's commands. These tests check the settings and statements that no command uses.
"""

import json
import re
import unittest

from translated import ROOT, Json, deployed, package, resources, template

STATEMENTS = ROOT / "examples" / "cargo-lambda" / "kms-and-traces.json"
KEYS = {"SecretKmsKeyArn": "SECRET_KEY_ARN", "QueueKmsKeyArn": "QUEUE_KEY_ARN"}


def default_of(value: Json) -> object:
    return template()["Parameters"][value["Ref"]]["Default"]


class DeploymentWithCargoLambda(unittest.TestCase):
    def test_manifest_has_the_templates_settings(self) -> None:
        function = resources()["Forwarder"]["Properties"]
        self.assertEqual(package()["metadata"]["lambda"]["deploy"], {
            "binary_name": template()["Resources"]["Forwarder"]["Metadata"]["BuildProperties"]["Binary"],
            "memory": default_of(function["MemorySize"]),
            "timeout": function["Timeout"],
            "tracing": str(default_of(function["TracingConfig"]["Mode"])).lower(),
            "runtime": function["Runtime"],
            "log_retention": default_of(resources()["ForwarderLogs"]["Properties"]["RetentionInDays"]),
        })  # fmt: skip

    def test_kms_and_traces_json_has_the_templates_statements(self) -> None:
        stack = deployed(Tracing="Active", **KEYS)["Resources"]
        (own,) = stack["ForwarderRole"]["Properties"]["Policies"]
        expected = [
            *stack["DecryptTheSecret"]["Properties"]["PolicyDocument"]["Statement"],
            *stack["EncryptEvents"]["Properties"]["PolicyDocument"]["Statement"],
            *(one for one in own["PolicyDocument"]["Statement"] if one["Sid"] == "WriteTraces"),
        ]
        text = json.dumps(expected).replace("${AWS::Region}", "REGION").replace("${AWS::URLSuffix}", "amazonaws.com")
        for name, value in KEYS.items():
            text = text.replace(json.dumps({"Ref": name}), json.dumps(value))
        text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text)
        self.assertEqual(json.loads(STATEMENTS.read_text(encoding="utf-8")), json.loads(text))
