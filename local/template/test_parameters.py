"""What is asked of who deploys it."""

import json
import re
import unittest

from translated import source, template


class AParameter(unittest.TestCase):
    def test_is_grouped_labelled_described_and_used(self) -> None:
        source = template()
        interface = source["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(source["Parameters"]))
        self.assertEqual(list(interface["ParameterLabels"]), grouped)
        text = json.dumps([source[section] for section in ("Conditions", "Resources", "Outputs")])
        for name, parameter in source["Parameters"].items():
            self.assertIn("Description", parameter, name)
            self.assertTrue(f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name)

    def test_has_the_code_s_default(self) -> None:
        config, parameters = source("config.rs"), template()["Parameters"]
        for name, field in {"SecretTtlSeconds": "secret_ttl", "SecretMaxStaleSeconds": "secret_max_stale"}.items():
            default = re.search(rf"let {field} =.*?from_secs\(([\d_]+)\)", config, re.DOTALL)
            assert default
            self.assertEqual(parameters[name]["Default"], int(default[1].replace("_", "")), name)
