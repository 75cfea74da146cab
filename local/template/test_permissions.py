"""What the function may do, held against what the code does, and who may call it."""

import re
import unittest

from translated import Json, branches, deciding, deployed, of_type, resources, shipped

# The calls of an AWS SDK client, and of Lambda for the function, with what IAM calls them.
CALLS = {"get_secret_value": "secretsmanager:GetSecretValue", "send_message": "sqs:SendMessage"}
FOR_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}  # which Secrets Manager and SQS call in the function's name
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
# What Lambda calls with the function's role to poll a queue (Lambda Developer Guide, "Using Lambda with Amazon SQS").
FOR_POLLING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


POLICIES = {"FetchTheSecret", "SendEvents", "HoldEvents", "ReceiveHeldEvents", "DecryptTheSecret", "EncryptEvents"}


def policies() -> Json:
    return of_type("AWS::IAM::ManagedPolicy")


def statements() -> list[Json]:
    (of_the_role,) = resources()["ForwarderRole"]["Properties"]["Policies"]
    documents = [of_the_role["PolicyDocument"], *(p["Properties"]["PolicyDocument"] for p in policies().values())]
    return [statement for document in documents for listed in document["Statement"] for statement in branches(listed)]


def actions(statement: Json) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


class APermission(unittest.TestCase):
    def test_is_there_for_each_call_of_the_code_and_for_nothing_else(self) -> None:
        # a client's own configuration is no call
        calls = set(re.findall(r"\bclient\s*\.(\w+)\(\)", shipped())) - {"config"}
        self.assertEqual(calls, set(CALLS))
        granted = {action for statement in statements() for action in actions(statement)}
        self.assertEqual(granted, set(CALLS.values()) | FOR_KEYS | FOR_POLLING | OF_LAMBDA)

    def test_names_the_one_resource_that_it_is_for(self) -> None:
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

    def test_for_a_key_is_there_when_the_key_is_and_through_its_service_only(self) -> None:
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

    def test_comes_from_no_other_policy(self) -> None:
        self.assertNotIn("ManagedPolicyArns", resources()["ForwarderRole"]["Properties"])
        for deployment, roles in (("Canary10Percent5Minutes", {"ForwarderRole", "DeploymentRole"}), ("AllAtOnce", {"ForwarderRole"})):
            stack = deployed(Deployment=deployment)["Resources"]
            self.assertEqual({name for name, r in stack.items() if r["Type"] == "AWS::IAM::Role"}, roles)
        self.assertEqual(of_type("AWS::IAM::Policy") | of_type("AWS::IAM::RolePolicy"), {})
        self.assertEqual({name: p["Properties"]["Roles"] for name, p in policies().items()},
                         {name: [{"Ref": "ForwarderRole"}] for name in POLICIES})  # fmt: skip

    def test_of_codedeploy_is_the_narrower_one_while_nothing_is_published(self) -> None:
        (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
        self.assertNotIn("TriggerConfigurations", group["Properties"])  # which need AWSCodeDeployRoleForLambda's sns:Publish
        (arn,) = resources()["DeploymentRole"]["Properties"]["ManagedPolicyArns"]
        self.assertTrue(arn["Fn::Sub"].endswith(":policy/service-role/AWSCodeDeployRoleForLambdaLimited"))

    def test_is_there_before_it_is_needed_and_until_it_is_not(self) -> None:
        # CloudFormation replaces a managed policy whose description changes, and changes any other in place
        named = {name: deciding(p["Properties"]["Description"]) for name, p in policies().items()}
        self.assertEqual(named, {
            "FetchTheSecret": {"ExistingSecretArn", "SecretName"},
            "SendEvents": {"QueueType"},
            "HoldEvents": set(),  # no parameter decides which queue is the held one
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

    def test_to_write_traces_is_there_with_them_only(self) -> None:
        for tracing, there in (("Active", True), ("PassThrough", False)):
            stack = deployed(Tracing=tracing)["Resources"]
            self.assertEqual("xray:" in str(stack["ForwarderRole"]), there)
            self.assertEqual(stack["Forwarder"]["Properties"]["TracingConfig"], {"Mode": {"Ref": "Tracing"}})

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


class ACompanysRules(unittest.TestCase):
    def test_bound_and_place_each_role_and_place_each_policy(self) -> None:
        boundary = "arn:aws:iam::123456789012:policy/boundary"
        for arn, there in (("", False), (boundary, True)):
            stack = deployed(PermissionsBoundaryArn=arn, RolePath="/teams/video/")["Resources"]
            for name, resource in stack.items():
                if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
                    self.assertEqual(resource["Properties"]["Path"], {"Ref": "RolePath"}, name)
                if resource["Type"] == "AWS::IAM::Role":
                    self.assertEqual("PermissionsBoundary" in resource["Properties"], there, name)

    def test_are_not_there_by_default(self) -> None:
        # a path that a role never had replaces the role, although IAM's default is the same
        for name, resource in deployed()["Resources"].items():
            if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
                self.assertEqual({"Path", "PermissionsBoundary"} & set(resource["Properties"]), set(), name)

    def test_give_their_keys_to_the_logs_and_the_topic(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/1"
        stack = deployed(LogKmsKeyArn=key, TopicKmsKeyArn=key)["Resources"]
        for name in ("ForwarderLogs", "GatewayLogs"):
            self.assertEqual(stack[name]["Properties"]["KmsKeyId"], {"Ref": "LogKmsKeyArn"})
        self.assertEqual(stack["AlarmTopic"]["Properties"]["KmsMasterKeyId"], {"Ref": "TopicKmsKeyArn"})
        self.assertNotIn("Kms", str([deployed()["Resources"][name] for name in ("ForwarderLogs", "GatewayLogs", "AlarmTopic")]))
