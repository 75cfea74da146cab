"""Tests the parameters: their descriptions, and the values that they accept."""

import re
import unittest

from translated import ACCOUNT, REGION, deployed, references, template


class Parameters(unittest.TestCase):
    def test_each_parameter_is_used_and_has_a_group_a_label_and_a_description(self) -> None:
        interface, parameters = template()["Metadata"]["AWS::CloudFormation::Interface"], template()["Parameters"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(parameters))
        self.assertEqual(list(interface["ParameterLabels"]), grouped)
        self.assertEqual([name for name, parameter in parameters.items() if "Description" not in parameter], [])
        used = references([template()[section] for section in ("Conditions", "Resources", "Outputs")])
        self.assertEqual(parameters.keys() - used, set())

    def test_existing_secret_in_another_region_or_account_fails_the_deployment(self) -> None:
        guard = "SecretMustBeOfThisRegionAndAccount"
        for place, fails in (
            (f"{REGION}:{ACCOUNT}", False),
            (f"eu-west-1:{ACCOUNT}", True),
            (f"{REGION}:210987654321", True),
        ):
            stack = deployed(ExistingSecretArn=f"arn:aws:secretsmanager:{place}:secret:jw/webhooks-a1B2c3")["Resources"]
            self.assertEqual((guard in stack, {"Ref": guard} in stack["Forwarder"]["Metadata"]["WaitsFor"]), (fails, fails))
        self.assertNotIn(guard, deployed()["Resources"])
        properties = template()["Resources"][guard]["Properties"]
        self.assertIsNone(re.match(properties["AllowedPattern"], properties["Value"]))  # so the deployment fails

    def test_reserved_concurrency_covers_the_executions_for_held_events(self) -> None:
        allowed = re.compile(template()["Parameters"]["ReservedConcurrency"]["AllowedPattern"])
        self.assertEqual([t for t in ("", "0", "00", "1", "2", "10", "01", "-1") if allowed.fullmatch(t)], ["", "1", "2", "10"])
        rule = template()["Rules"]["ReservedConcurrencyCoversHeldEvents"]
        self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "HoldUnverified"}, "true"]})
        (assertion,) = rule["Assertions"]
        self.assertEqual(assertion["Assert"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "ReservedConcurrency"}, "1"]}]})
        mapping = template()["Resources"]["HeldEvents"]["Properties"]["ScalingConfig"]
        self.assertEqual(mapping, {"MaximumConcurrency": 2})  # so the rule must reject 1
