"""Runs `sam deploy` and `sam delete` with only the permissions of docs/deployer-policy.json: part of `make prove`.

The emulated AWS checks the permissions for sam's calls. For CloudFormation's calls, only AWS itself checks the caller's
permissions, so local/checks/template/test_deployer.py compares the policy with what AWS's resource types need.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from processes import LocalError
from prove.checks import StackChecks
from stack import ROOT

POLICY = ROOT / "docs" / "deployer-policy.json"
USER, NAME = "deployer", "deploy"


@contextmanager
def least_permissions() -> Iterator[None]:
    """Until the `with` block ends, `sam` runs as a user with this policy. boto3 here keeps the operator's keys."""
    iam = boto3.client("iam")  # boto3 has already read the operator's keys
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
