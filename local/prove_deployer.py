"""`sam deploy` and `sam delete` with the permissions of docs/deployer-policy.json and no others: part of `make prove`.

The local AWS checks each call that sam makes. CloudFormation there makes the resources without a check, where AWS uses
the caller's permissions: local/template/test_deployer.py holds the policy against what AWS's resource types need.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from processes import LocalError
from stack import ROOT
from stack_checks import StackChecks

POLICY = ROOT / "docs" / "deployer-policy.json"
USER, NAME = "deployer", "deploy"


@contextmanager
def least_permissions() -> Iterator[None]:
    """Within the block a user with this policy runs `sam`. boto3's clients in this process stay the operator's."""
    iam = boto3.client("iam")  # the first client has read the operator's keys by now
    iam.create_user(UserName=USER)
    iam.put_user_policy(UserName=USER, PolicyName=NAME, PolicyDocument=POLICY.read_text(encoding="utf-8"))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    before = {name: os.environ[name] for name in keys}
    os.environ.update(keys)
    try:
        yield
    finally:
        os.environ.update(before)
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=USER, PolicyName=NAME)
    iam.delete_user(UserName=USER)


def denied_for_another_stack(proof: StackChecks, template: Path) -> bool:
    try:
        proof.deploy("another-name", template, {})
    except LocalError as error:
        return "AccessDenied" in str(error)
    return False
