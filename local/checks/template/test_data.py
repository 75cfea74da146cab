"""Tests how the template protects the queues, the secret and the log: retention, encryption and access."""

import re
import unittest

from translated import KEY, ROOT, deployed, deployed_of_type, of_type, resources

QUEUES = ("Queue", "DeadLetterQueue", "HeldQueue", "HeldDeadLetterQueue")
DATA = {*QUEUES, "Secret", "ForwarderLogs"}


class Data(unittest.TestCase):
    def test_data_stays_after_an_update_and_a_deletion_but_not_after_a_failed_creation(self) -> None:
        kept = {name for name, r in resources().items() if r.get("DeletionPolicy") == "RetainExceptOnCreate"}
        self.assertEqual(kept, DATA | set(of_type("AWS::SQS::QueuePolicy")))  # these policies deny plain HTTP
        for name in kept:
            self.assertEqual(resources()[name]["UpdateReplacePolicy"], "Retain", name)
            self.assertEqual(resources()[name].get("Condition"), "HoldsUnverified" if name.startswith("Held") else None)
        retained = {r["Type"] for r in resources().values() if r.get("DeletionPolicy") == "Retain"}
        self.assertEqual(retained, {"AWS::Lambda::Version"})  # CloudFormation deletes the versions with the function

    def test_page_limits_stack_names_so_that_queue_names_fit(self) -> None:
        lengths = {"AWS::StackName": 0, "StackUuid": 8, "Suffix": len(".fifo")}
        ours = []
        for name in QUEUES:
            text, variables = resources()[name]["Properties"]["QueueName"]["Fn::Sub"]
            held = name.startswith("Held")  # always a standard queue
            self.assertEqual(variables.get("Suffix"), None if held else {"Fn::If": ["HasFifoQueue", ".fifo", ""]})
            self.assertEqual("FifoQueue" in resources()[name]["Properties"], not held)
            ours.append(len(re.sub(r"\$\{([\w:]+)\}", lambda match: "x" * lengths[match[1]], text)))
        page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        self.assertIn(f"(at most {80 - max(ours)} characters", page)

    def test_queues_are_encrypted_and_deny_plain_http(self) -> None:
        found = {}
        for policy in of_type("AWS::SQS::QueuePolicy").values():
            (queue,) = policy["Properties"]["Queues"]
            (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
            found[queue["Ref"]] = (statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"])
        denial = ("Deny", "*", "sqs:*", {"Bool": {"aws:SecureTransport": "false"}})
        self.assertEqual(found, dict.fromkeys(QUEUES, denial))
        for name in QUEUES:
            properties = resources()[name]["Properties"]
            self.assertEqual(properties["SqsManagedSseEnabled"], {"Fn::If": ["HasQueueKey", False, True]})
            self.assertEqual(properties["KmsMasterKeyId"]["Fn::If"][:2], ["HasQueueKey", {"Ref": "QueueKmsKeyArn"}])
            self.assertEqual(properties["MessageRetentionPeriod"], 14 * 24 * 3600)
            self.assertEqual(properties["MaximumMessageSize"], 1024 * 1024)

    def test_dead_letter_queue_accepts_messages_only_from_its_own_queue(self) -> None:
        for queue, dead in (("Queue", "DeadLetterQueue"), ("HeldQueue", "HeldDeadLetterQueue")):
            target = resources()[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]
            self.assertEqual(target, {"Fn::GetAtt": [dead, "Arn"]})
            name, variables = resources()[queue]["Properties"]["QueueName"]["Fn::Sub"]
            arn = {"Fn::Sub": [f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{name}", variables]}
            allow = resources()[dead]["Properties"]["RedriveAllowPolicy"]
            self.assertEqual(allow, {"redrivePermission": "byQueue", "sourceQueueArns": [arn]})

    def test_new_secret_is_a_key_ring_with_a_random_placeholder(self) -> None:
        secret = resources()["Secret"]["Properties"]
        self.assertNotIn("SecretString", secret)
        self.assertEqual(secret["GenerateSecretString"], {
            "SecretStringTemplate": "{}",
            "GenerateStringKey": "placeholder",
            "PasswordLength": 64,  # a key has at least 32 bytes
            "ExcludePunctuation": True,
        })  # fmt: skip

    def test_parameter_secretname_names_the_secret(self) -> None:
        self.assertNotIn("Name", deployed()["Resources"]["Secret"]["Properties"])
        self.assertEqual(deployed(SecretName="jw/keys")["Resources"]["Secret"]["Properties"]["Name"], {"Ref": "SecretName"})

    def test_ssm_parameters_publish_the_queues_for_consumers_stacks(self) -> None:
        parameters = deployed_of_type("AWS::SSM::Parameter", QueueKmsKeyArn=KEY).values()
        folder = "/jw-webhook-forwarder/${AWS::StackName}"
        self.assertEqual({p["Name"]["Fn::Sub"]: p["Value"] for p in parameters}, {
            f"{folder}/queue-arn": {"Fn::GetAtt": ["Queue", "Arn"]},
            f"{folder}/dead-letter-queue-arn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
            f"{folder}/queue-kms-key-arn": {"Ref": "QueueKmsKeyArn"},
        })  # fmt: skip
        self.assertNotIn("QueueKeyArnParameter", deployed()["Resources"])  # SSM rejects an empty value
