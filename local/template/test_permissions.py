"""What the function may do, held against what the code does, and who may call it."""

import re
import unittest

from translated import Json, branches, of_type, resources, shipped

# The calls of an AWS SDK client, and of Lambda for the function, with what IAM calls them.
CALLS = {"get_secret_value": "secretsmanager:GetSecretValue", "send_message": "sqs:SendMessage"}
FOR_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}  # which Secrets Manager and SQS call in the function's name
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def statements() -> list[Json]:
    (policy,) = resources()["ForwarderRole"]["Properties"]["Policies"]
    return [found for statement in policy["PolicyDocument"]["Statement"] for found in branches(statement)]


def actions(statement: Json) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


class APermission(unittest.TestCase):
    def test_is_there_for_each_call_of_the_code_and_for_nothing_else(self) -> None:
        calls = set(re.findall(r"\bclient\s*\.(\w+)\(\)", shipped()))
        self.assertEqual(calls, set(CALLS))
        granted = {action for statement in statements() for action in actions(statement)}
        self.assertEqual(granted, set(CALLS.values()) | FOR_KEYS | OF_LAMBDA)

    def test_names_the_one_resource_that_it_is_for(self) -> None:
        resource = {statement["Sid"]: statement["Resource"] for statement in statements()}
        secret = {"Fn::If": ["HasExistingSecret", {"Ref": "ExistingSecretArn"}, {"Fn::GetAtt": ["Secret", "Id"]}]}
        self.assertEqual(resource, {
            "FetchTheSecret": secret,
            "SendEvents": {"Fn::GetAtt": ["Queue", "Arn"]},
            "DecryptTheSecret": {"Ref": "SecretKmsKeyArn"},
            "EncryptEvents": {"Ref": "QueueKmsKeyArn"},
            "WriteTheLog": {"Fn::GetAtt": ["ForwarderLogs", "Arn"]},
            "WriteTraces": "*",
        })  # fmt: skip
        self.assertEqual(resources()["Forwarder"]["Properties"]["Environment"]["Variables"]["WEBHOOK_SECRET_ID"], secret)

    def test_for_a_key_is_there_when_the_key_is_and_through_its_service_only(self) -> None:
        (policy,) = resources()["ForwarderRole"]["Properties"]["Policies"]
        conditional = [s["Fn::If"] for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s]
        found = [
            (condition, statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"].split(".")[0], actions(statement))
            for condition, statement, _ in conditional
        ]
        self.assertEqual(
            found,
            [("HasSecretKey", "secretsmanager", {"kms:Decrypt"}), ("HasQueueKey", "sqs", FOR_KEYS)],
        )

    def test_comes_from_no_other_policy(self) -> None:
        self.assertNotIn("ManagedPolicyArns", resources()["ForwarderRole"]["Properties"])
        self.assertEqual(set(of_type("AWS::IAM::Role")), {"ForwarderRole", "CodeDeployServiceRole"})
        self.assertEqual(set(of_type("AWS::IAM::Role", Deployment="AllAtOnce")), {"ForwarderRole"})
        self.assertEqual(of_type("AWS::IAM::Policy") | of_type("AWS::IAM::ManagedPolicy"), {})

    def test_to_invoke_is_the_endpoint_s_alone_and_of_the_alias(self) -> None:
        live = {"Ref": "ForwarderAliaslive"}
        found = {
            name: (r["Condition"], r["Properties"]["Action"], r["Properties"]["FunctionName"])
            for name, r in of_type("AWS::Lambda::Permission").items()
        }
        self.assertEqual(found, {
            "HttpApiPermission": ("HasHttpApi", "lambda:InvokeFunction", live),
            "ForwarderUrlPermission": ("HasFunctionUrl", "lambda:InvokeFunctionUrl", live),
            "ForwarderUrlInvokePermission": ("HasFunctionUrl", "lambda:InvokeFunction", live),
        })  # fmt: skip
        permissions = of_type("AWS::Lambda::Permission")
        self.assertTrue(permissions["ForwarderUrlInvokePermission"]["Properties"]["InvokedViaFunctionUrl"])
        arn = permissions["HttpApiPermission"]["Properties"]["SourceArn"]["Fn::Sub"]
        self.assertTrue(arn.endswith(":${HttpApi}/$default/POST/webhooks/jwplayer"), arn)
