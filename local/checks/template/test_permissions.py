"""Compares the function's permissions with the calls of the code, and tests who may invoke the function."""

import unittest

from printed import CALLS
from translated import ACCOUNT, KEY, Json, actions, branches, deciding, deployed, deployed_of_type, of_type, resources

FOR_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}  # Secrets Manager and SQS call KMS for the function
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# Lambda calls these with the function's role to poll a queue (Lambda Developer Guide, "Using Lambda with Amazon SQS").
FOR_POLLING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
POLICIES = {"FetchTheSecret", "SendEvents", "HoldEvents", "ReceiveHeldEvents", "DecryptTheSecret", "EncryptEvents"}


def policies() -> Json:
    return of_type("AWS::IAM::ManagedPolicy")


def statements() -> list[Json]:
    (own,) = resources()["ForwarderRole"]["Properties"]["Policies"]
    documents = [own["PolicyDocument"], *(p["Properties"]["PolicyDocument"] for p in policies().values())]
    return [statement for document in documents for listed in document["Statement"] for statement in branches(listed)]


class Permissions(unittest.TestCase):
    def test_function_has_exactly_the_permissions_that_its_calls_need(self) -> None:
        called = {call.replace("AmazonSQS", "sqs").replace(".", ":") for call in CALLS}
        granted = {action for statement in statements() for action in actions(statement)}
        self.assertEqual(granted - FOR_KEYS - FOR_POLLING - OF_LAMBDA, called)
        self.assertLessEqual(FOR_KEYS | FOR_POLLING | OF_LAMBDA, granted)

    def test_each_permission_is_limited_to_one_resource(self) -> None:
        resource = {statement["Sid"]: statement["Resource"] for statement in statements()}
        secret = {"Fn::If": ["HasExistingSecret", {"Ref": "ExistingSecretArn"}, {"Fn::GetAtt": ["Secret", "Id"]}]}
        self.assertEqual(resource, {
            "FetchTheSecret": secret,
            "SendEvents": {"Fn::GetAtt": ["Queue", "Arn"]},
            "HoldEvents": {"Fn::GetAtt": ["HeldQueue", "Arn"]},
            "ReceiveHeldEvents": {"Fn::GetAtt": ["HeldQueue", "Arn"]},
            "DecryptTheSecret": {"Ref": "SecretKmsKeyArn"},
            "EncryptEvents": {"Ref": "QueueKmsKeyArn"},
            "WriteTheLog": {"Fn::GetAtt": ["ForwarderLogs", "Arn"]},
            "WriteTraces": "*",
        })  # fmt: skip
        self.assertEqual(resources()["Forwarder"]["Properties"]["Environment"]["Variables"]["WEBHOOK_SECRET_ID"], secret)

    def test_permission_for_a_key_exists_only_with_the_key_and_for_one_service(self) -> None:
        found = {}
        for name, policy in policies().items():
            (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
            self.assertEqual(statement["Sid"], name)
            service = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", {}).get("Fn::Sub")
            found[name] = (policy.get("Condition"), service, actions(statement))
        self.assertEqual(found, {
            "FetchTheSecret": (None, None, {"secretsmanager:GetSecretValue"}),
            "SendEvents": (None, None, {"sqs:SendMessage"}),
            "HoldEvents": ("HoldsUnverified", None, {"sqs:SendMessage"}),
            "ReceiveHeldEvents": ("HoldsUnverified", None, FOR_POLLING),
            "DecryptTheSecret": ("HasSecretKey", "secretsmanager.${AWS::Region}.${AWS::URLSuffix}", {"kms:Decrypt"}),
            "EncryptEvents": ("HasQueueKey", "sqs.${AWS::Region}.${AWS::URLSuffix}", FOR_KEYS),
        })  # fmt: skip

    def test_function_has_only_the_listed_policies(self) -> None:
        self.assertNotIn("ManagedPolicyArns", resources()["ForwarderRole"]["Properties"])
        for deployment, roles in (("Canary10Percent5Minutes", {"ForwarderRole", "DeploymentRole"}), ("AllAtOnce", {"ForwarderRole"})):
            self.assertEqual(set(deployed_of_type("AWS::IAM::Role", Deployment=deployment)), roles)
        self.assertEqual(of_type("AWS::IAM::Policy") | of_type("AWS::IAM::RolePolicy"), {})
        self.assertEqual({name: p["Properties"]["Roles"] for name, p in policies().items()},
                         {name: [{"Ref": "ForwarderRole"}] for name in POLICIES})  # fmt: skip

    def test_codedeploy_has_the_limited_policy_and_no_triggers(self) -> None:
        (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
        self.assertNotIn("TriggerConfigurations", group["Properties"])  # triggers would need sns:Publish
        (arn,) = resources()["DeploymentRole"]["Properties"]["ManagedPolicyArns"]
        self.assertTrue(arn["Fn::Sub"].endswith(":policy/service-role/AWSCodeDeployRoleForLambdaLimited"))

    def test_permissions_are_created_before_and_deleted_after_resources_that_need_them(self) -> None:
        # CloudFormation replaces a managed policy only if its description changes
        named = {name: deciding(p["Properties"]["Description"]) for name, p in policies().items()}
        self.assertEqual(named, {
            "FetchTheSecret": {"ExistingSecretArn", "SecretName"},
            "SendEvents": {"QueueType"},
            "HoldEvents": set(),  # no parameter replaces the held queue
            "ReceiveHeldEvents": set(),
            "DecryptTheSecret": {"SecretKmsKeyArn"},
            "EncryptEvents": {"QueueKmsKeyArn"},
        })  # fmt: skip
        self.assertEqual(set(resources()["Forwarder"]["DependsOn"]), {"FetchTheSecret", "SendEvents"})
        self.assertEqual(resources()["HeldEvents"]["DependsOn"], "ReceiveHeldEvents")
        for_secret, for_queue = (["HasSecretKey", {"Ref": "DecryptTheSecret"}, ""], ["HasQueueKey", {"Ref": "EncryptEvents"}, ""])
        waits = {"Secret": for_secret, "FetchTheSecret": for_secret, "Queue": for_queue, "HeldQueue": for_queue}
        self.assertEqual({name: resources()[name]["Metadata"]["WaitsFor"]["Fn::If"] for name in waits}, waits)
        self.assertIn({"Fn::If": ["HoldsUnverified", {"Ref": "HoldEvents"}, ""]}, resources()["Forwarder"]["Metadata"]["WaitsFor"])

    def test_permissions_to_write_traces_exist_only_with_tracing(self) -> None:
        for tracing, expected in (("Active", True), ("PassThrough", False)):
            stack = deployed(Tracing=tracing)["Resources"]
            self.assertEqual("xray:" in str(stack["ForwarderRole"]), expected)
            self.assertEqual(stack["Forwarder"]["Properties"]["TracingConfig"], {"Mode": {"Ref": "Tracing"}})

    def test_only_the_endpoints_may_invoke_the_alias(self) -> None:
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


class CompanyRules(unittest.TestCase):
    def test_path_and_boundary_apply_to_each_role_and_the_path_to_each_policy(self) -> None:
        path, boundary = {"RolePath": "/teams/video/"}, {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary"}
        # without parameters no role may have a Path: even IAM's default path would replace a deployed role
        for given in ({}, path, path | boundary):
            expected = {"Path": {"Ref": "RolePath"}} if given else {}
            for name, policy in deployed_of_type("AWS::IAM::ManagedPolicy", **given).items():
                self.assertEqual({n: policy[n] for n in policy.keys() & {"Path"}}, expected, name)
            if boundary.items() <= given.items():
                expected["PermissionsBoundary"] = {"Ref": "PermissionsBoundaryArn"}
            for name, role in deployed_of_type("AWS::IAM::Role", **given).items():
                self.assertEqual({n: role[n] for n in role.keys() & {"Path", "PermissionsBoundary"}}, expected, name)

    def test_keys_encrypt_the_logs_and_the_topic(self) -> None:
        logs = {"KmsKeyId": {"Ref": "LogKmsKeyArn"}}
        encrypted = {"ForwarderLogs": logs, "GatewayLogs": logs, "AlarmTopic": {"KmsMasterKeyId": {"Ref": "TopicKmsKeyArn"}}}
        stack, without = deployed(LogKmsKeyArn=KEY, TopicKmsKeyArn=KEY)["Resources"], deployed()["Resources"]
        for name, key in encrypted.items():
            self.assertEqual(stack[name]["Properties"], stack[name]["Properties"] | key, name)
            self.assertNotIn("Kms", str(without[name]), name)
