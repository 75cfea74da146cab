"""Applies the module of examples/terraform with the real `terraform`: part of `make prove-cargo-lambda`.

It needs terraform on the PATH and the AWS provider. `terraform init` downloads the provider, or reads it from a folder
(TF_CLI_ARGS_init=-plugin-dir=FOLDER). If terraform or the provider is missing, it prints NOT CHECKED.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import boto3

from emulators.cloud import BASE, Json
from processes import LocalError
from prove.checks import StackChecks
from prove.like_the_template import Made, of_template
from stack import ROOT
from checks.template.translated import deployed

MODULE = ROOT / "examples" / "terraform"
NAME = "by-terraform"
APPLY_SECONDS = 300  # an apply takes 100 s
# Version 5 of the provider rejects a larger value. The module has no function URL, so it needs no larger messages.
DIFFERENT = {"MaximumMessageSize": 262_144}
ALARMS = ("EventsFailed", "EventsLost", "EventsUndelivered", "DeadLetter", "HeldDeadLetter")
COMPARED = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods", "ComparisonOperator",
            "Threshold", "TreatMissingData")  # fmt: skip


def applied(proof: StackChecks, folder: Path, package: Path) -> Made | None:
    """Applies the module and returns its outputs, or None if the module cannot be checked."""
    if not shutil.which("terraform"):
        proof.say("NOT CHECKED: examples/terraform, because terraform is not on the PATH")
        return None
    shutil.copytree(MODULE, folder)
    started = terraform(folder, "init", "-backend=false")
    if started.returncode != 0:
        proof.say(f"NOT CHECKED: examples/terraform, because terraform init failed: {' '.join(started.stderr.split())[-300:]}")
        return None
    proof.check("terraform fmt has nothing to change", succeeds(folder, "fmt", "-check", "-diff"), "")
    proof.say("terraform apply examples/terraform")
    variables = {"name": NAME, "zip": str(package), "architecture": BASE["Architecture"], "alarm_actions": "[]"}
    succeeds(folder, "apply", "-auto-approve", *(f"-var={name}={value}" for name, value in variables.items()))
    outputs = json.loads(succeeds(folder, "output", "-json"))
    return {name: output["value"] for name, output in outputs.items()}


def alarms_are_like_the_template(proof: StackChecks, made: Made) -> None:
    """Compares the alarms with the template's, except EventsHeld: ministack stores no alarm on an expression."""
    stack = deployed()["Resources"]
    found = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
    proof.check("the alarms", {alarm["AlarmName"] for alarm in found}, {f"{NAME}-{name}" for name in (*ALARMS, "EventsHeld")})
    for name in ALARMS:
        (alarm,) = (alarm for alarm in found if alarm["AlarmName"] == f"{NAME}-{name}")
        asked = {"Dimensions": [], **stack[f"{name}Alarm"]["Properties"]}
        expected = {n: of_template(asked[n]) for n in COMPARED}
        expected["Dimensions"] = [{**one, "Value": watched(one["Value"], made)} for one in asked["Dimensions"]]
        if isinstance(expected["Namespace"], dict):
            expected["Namespace"] = expected["Namespace"]["Fn::Sub"].replace("${AWS::StackName}", NAME)
        proof.check(f"{name} is the template's", {n: alarm[n] for n in COMPARED}, expected)
    filters = boto3.client("logs").describe_metric_filters(logGroupName=made["LogGroup"])["metricFilters"]
    proof.check("the filter for undelivered events is the template's", [one["filterPattern"] for one in filters],
                [stack["UndeliveredFilter"]["Properties"]["FilterPattern"]])  # fmt: skip


def watched(value: Json, made: Made) -> str:
    queue = value.get("Fn::GetAtt", ["Forwarder"])[0]
    return made["FunctionName"] if queue == "Forwarder" else made[f"{queue}Url"].rsplit("/", 1)[1]


def succeeds(folder: Path, *arguments: str) -> str:
    done = terraform(folder, *arguments)
    if done.returncode != 0:
        raise LocalError(f"terraform {arguments[0]} failed in examples/terraform:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def terraform(folder: Path, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    options = [] if command in ("fmt", "output") else ["-no-color", "-input=false"]
    try:
        return subprocess.run(["terraform", command, *options, *arguments], cwd=folder, env={**os.environ, "CHECKPOINT_DISABLE": "1"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APPLY_SECONDS)  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LocalError(f"timeout after {APPLY_SECONDS} s in `terraform {command}` of examples/terraform") from error
