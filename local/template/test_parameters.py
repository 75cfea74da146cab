"""What is asked of who deploys it."""

import json
import re
import unittest

from translated import ACCOUNT, REGION, deployed, source, template


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

    def test_for_an_existing_secret_takes_one_of_this_region_and_account_only(self) -> None:
        guard = "SecretMustBeOfThisRegionAndAccount"
        there = {}
        for place in (f"{REGION}:{ACCOUNT}", f"eu-west-1:{ACCOUNT}", f"{REGION}:210987654321"):
            stack = deployed(ExistingSecretArn=f"arn:aws:secretsmanager:{place}:secret:jw/webhooks-a1B2c3")["Resources"]
            there[place] = guard in stack
            self.assertEqual({"Ref": guard} in stack["Forwarder"]["Metadata"]["WaitsFor"], there[place])
        self.assertEqual(list(there.values()), [False, True, True])
        self.assertNotIn(guard, deployed()["Resources"])
        properties = template()["Resources"][guard]["Properties"]
        self.assertIsNone(re.match(properties["AllowedPattern"], properties["Value"]))  # so that its creation fails

    def test_for_concurrency_leaves_an_execution_for_requests(self) -> None:
        allowed = re.compile(template()["Parameters"]["ReservedConcurrency"]["AllowedPattern"])
        self.assertEqual([t for t in ("", "0", "00", "1", "2", "10", "01", "-1") if allowed.fullmatch(t)], ["", "1", "2", "10"])
        rule = template()["Rules"]["ReservedConcurrencyCoversHeldEvents"]
        self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "HoldUnverified"}, "true"]})
        (assertion,) = rule["Assertions"]
        self.assertEqual(assertion["Assert"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "ReservedConcurrency"}, "1"]}]})
        mapping = template()["Resources"]["HeldEvents"]["Properties"]["ScalingConfig"]
        self.assertEqual(mapping, {"MaximumConcurrency": 2})  # 1 is the only number below it that the pattern takes
