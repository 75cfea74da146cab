"""What must not be lost or read: the queues, the secret and the log."""

import re
import unittest

from translated import ROOT, deployed, of_type, resources

QUEUES = ("Queue", "DeadLetterQueue", "HeldQueue", "HeldDeadLetterQueue")
DATA = {*QUEUES, "Secret"}


class Data(unittest.TestCase):
    def test_survives_every_update(self) -> None:
        for name in DATA | {"ForwarderLogs"}:
            self.assertEqual(resources()[name].get("UpdateReplacePolicy"), "Retain", name)
            self.assertEqual(resources()[name].get("Condition"), "HoldsUnverified" if name.startswith("Held") else None)

    def test_outlives_the_stack_unless_the_stack_never_came_up(self) -> None:
        kept = {name for name, r in resources().items() if r.get("DeletionPolicy") == "RetainExceptOnCreate"}
        policies = set(of_type("AWS::SQS::QueuePolicy"))  # without which a queue that stays would take plain HTTP
        self.assertEqual(kept, DATA | policies | {"ForwarderLogs"})
        for name in kept:
            self.assertEqual(resources()[name]["UpdateReplacePolicy"], "Retain", name)
        retained = {r["Type"] for r in resources().values() if r.get("DeletionPolicy") == "Retain"}
        self.assertEqual(retained, {"AWS::Lambda::Version"})  # which goes with its function

    def test_has_a_name_that_sqs_takes_whatever_the_stack_is_called(self) -> None:
        longest = {"AWS::StackName": 0, "StackUuid": 8, "Suffix": len(".fifo")}
        ours = []
        for name in QUEUES:
            text, variables = resources()[name]["Properties"]["QueueName"]["Fn::Sub"]
            held = name.startswith("Held")  # always standard queues
            self.assertEqual(variables.get("Suffix"), None if held else {"Fn::If": ["HasFifoQueue", ".fifo", ""]})
            self.assertEqual("FifoQueue" in resources()[name]["Properties"], not held)
            ours.append(len(re.sub(r"\$\{([\w:]+)\}", lambda match: "x" * longest[match[1]], text)))
        page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        self.assertIn(f"(at most {80 - max(ours)} characters", page)

    def test_is_encrypted_and_takes_no_plain_http(self) -> None:
        refusing = {}
        for policy in of_type("AWS::SQS::QueuePolicy").values():
            (queue,) = policy["Properties"]["Queues"]
            (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
            refusing[queue["Ref"]] = (statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"])
        refusal = ("Deny", "*", "sqs:*", {"Bool": {"aws:SecureTransport": "false"}})
        self.assertEqual(refusing, dict.fromkeys(QUEUES, refusal))
        for name in QUEUES:
            properties = resources()[name]["Properties"]
            self.assertEqual(properties["SqsManagedSseEnabled"], {"Fn::If": ["HasQueueKey", False, True]})
            self.assertEqual(properties["KmsMasterKeyId"]["Fn::If"][:2], ["HasQueueKey", {"Ref": "QueueKmsKeyArn"}])
            self.assertEqual(properties["MessageRetentionPeriod"], 14 * 24 * 3600)
            self.assertEqual(properties["MaximumMessageSize"], 1024 * 1024)

    def test_dead_letters_come_from_their_own_queue_only(self) -> None:
        for queue, dead in (("Queue", "DeadLetterQueue"), ("HeldQueue", "HeldDeadLetterQueue")):
            target = resources()[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]
            self.assertEqual(target, {"Fn::GetAtt": [dead, "Arn"]})
            name, variables = resources()[queue]["Properties"]["QueueName"]["Fn::Sub"]
            allow = resources()[dead]["Properties"]["RedriveAllowPolicy"]
            (arn,) = allow["sourceQueueArns"]
            self.assertEqual(allow["redrivePermission"], "byQueue")
            prefix = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
            self.assertEqual(arn["Fn::Sub"], [prefix + name, variables])

    def test_in_a_fresh_secret_is_a_ring_of_a_placeholder_that_is_long_enough_to_be_a_key(self) -> None:
        secret = resources()["Secret"]["Properties"]
        self.assertNotIn("SecretString", secret)
        self.assertEqual(
            secret["GenerateSecretString"],
            {
                "SecretStringTemplate": "{}",
                "GenerateStringKey": "placeholder",
                "PasswordLength": 64,
                "ExcludePunctuation": True,
            },
        )

    def test_has_the_secret_s_name_where_one_is_chosen(self) -> None:
        self.assertNotIn("Name", deployed()["Resources"]["Secret"]["Properties"])
        self.assertEqual(deployed(SecretName="jw/keys")["Resources"]["Secret"]["Properties"]["Name"], {"Ref": "SecretName"})

    def test_is_found_by_consumers_stacks(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/1"
        found = {
            r["Properties"]["Name"]["Fn::Sub"]: r["Properties"]["Value"]
            for r in deployed(QueueKmsKeyArn=key)["Resources"].values()
            if r["Type"] == "AWS::SSM::Parameter"
        }
        folder = "/jw-webhook-forwarder/${AWS::StackName}"
        self.assertEqual(found, {
            f"{folder}/queue-arn": {"Fn::GetAtt": ["Queue", "Arn"]},
            f"{folder}/dead-letter-queue-arn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
            f"{folder}/queue-kms-key-arn": {"Ref": "QueueKmsKeyArn"},
        })  # fmt: skip
        self.assertNotIn("QueueKeyArnParameter", deployed()["Resources"])  # SSM takes no empty value
