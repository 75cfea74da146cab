"""What repeats the template for those who deploy with cargo-lambda: the manifest's settings, and statements of the page.

`make prove-cargo-lambda` compares what the page's commands make. Here is what no command of the page makes.
"""

import json
import re
import subprocess
import unittest

from translated import ROOT, Json, deployed, resources, template

STATEMENTS = ROOT / "examples" / "cargo-lambda" / "kms-and-traces.json"


def default_of(value: Json) -> object:
    return template()["Parameters"][value["Ref"]]["Default"]


class ADeploymentWithCargoLambda(unittest.TestCase):
    def test_has_the_settings_of_the_template_from_the_manifest(self) -> None:
        command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
        metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        (package,) = json.loads(metadata)["packages"]
        function = resources()["Forwarder"]["Properties"]
        tracing = default_of(function["TracingConfig"]["Mode"])
        self.assertEqual(package["metadata"]["lambda"]["deploy"], {
            "binary_name": template()["Resources"]["Forwarder"]["Metadata"]["BuildProperties"]["Binary"],
            "memory": default_of(function["MemorySize"]),
            "timeout": function["Timeout"],
            "tracing": str(tracing).lower(),
            "runtime": function["Runtime"],
            "log_retention": default_of(resources()["ForwarderLogs"]["Properties"]["RetentionInDays"]),
        })  # fmt: skip

    def test_has_the_template_s_statements_for_keys_and_traces(self) -> None:
        stack = deployed(Tracing="Active", SecretKmsKeyArn="SECRET_KEY_ARN", QueueKmsKeyArn="QUEUE_KEY_ARN")["Resources"]
        (own,) = stack["ForwarderRole"]["Properties"]["Policies"]
        expected = [
            *stack["DecryptTheSecret"]["Properties"]["PolicyDocument"]["Statement"],
            *stack["EncryptEvents"]["Properties"]["PolicyDocument"]["Statement"],
            *(one for one in own["PolicyDocument"]["Statement"] if one["Sid"] == "WriteTraces"),
        ]
        written = {"SecretKmsKeyArn": "SECRET_KEY_ARN", "QueueKmsKeyArn": "QUEUE_KEY_ARN"}
        text = json.dumps(expected).replace("${AWS::Region}", "REGION").replace("${AWS::URLSuffix}", "amazonaws.com")
        for name, value in written.items():
            text = text.replace(json.dumps({"Ref": name}), json.dumps(value))
        text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text)
        self.assertEqual(json.loads(STATEMENTS.read_text(encoding="utf-8")), json.loads(text))
