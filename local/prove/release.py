"""`make prove-release`: deploys the release in dist/ as its deploy.md says, without Rust. Run it before a release.

It runs in its own folder, with sam and a few system tools on the PATH, and with emulators of AWS and JW. Two things
differ from the page. The stack has no CodeDeploy, because ministack has none. The event goes to ministack's address,
because this machine cannot resolve the name in the stack's URL.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import boto3

from emulators.cloud import SAM
from emulators.jw_api import JwApi
from processes import LocalError, exit_with
from prove.checks import StackChecks, cloud_here
from release.package import HOST, SUMS
from release.source import read
from stack import ROOT
from checks.template.translated import template

DIST = ROOT / "dist"
TOOLS = ("sh", "tar", "gzip", "sha256sum")
STACK = "jw-webhook-forwarder"
ANSWERS = {"Deployment": "AllAtOnce"}
GOAL_SECONDS = 300


class Team:
    """A user without Rust, with a shell in the release's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(DIST, folder / "release"))
        path = folder / "bin"
        path.mkdir()
        for tool in (str(SAM), *TOOLS):
            found = shutil.which(tool)
            if not found:
                raise LocalError(f"{tool} is not on the PATH. Install it")
            (path / Path(tool).name).symlink_to(found)
        self._shell = {**os.environ, "PATH": str(path), "HOME": str(folder)}

    def finds(self, tool: str) -> bool:
        return shutil.which(tool, path=self._shell["PATH"]) is not None

    def runs(self, *line: str, answers: str = "", environment: dict[str, str] | None = None) -> str:
        """Runs a command and returns its output. A failure ends the proof."""
        shell = {**self._shell, **(environment or {})}
        # Popen would search the PATH of this program, not of the team
        command = [shutil.which(line[0], path=shell["PATH"]) or str(self.folder / line[0]), *line[1:]]
        done = subprocess.run(command, cwd=self.folder, env=shell, input=answers, capture_output=True, text=True)
        if done.returncode != 0:
            raise LocalError(f"`{' '.join(line)}` failed with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")
        return done.stdout


def guided(path: Path) -> str:
    """The user's input for `sam deploy --guided` as deploy.md says. An empty line takes the default."""
    stack_and_region = ["", ""]
    parameters = [ANSWERS.get(name, "") for name in template(path)["Parameters"]]
    confirm_changes, create_roles, disable_rollback, save, file, environment = "n", "y", "n", "y", "", ""
    rest = [confirm_changes, create_roles, disable_rollback, save, file, environment]
    return "\n".join([*stack_and_region, *parameters, *rest, ""])


def prove(proof: StackChecks, team: Team) -> None:
    release = read((team.folder / "build.toml").read_text(encoding="utf-8"))
    first, *_ = release.architectures
    chosen, file = ((), "template.yaml") if HOST == first else (("--config-env", HOST), f"template-{HOST}.yaml")
    unpacked = f"jwhook-{release.version}-linux-{HOST}"
    proof.check("cargo, rustc and rustup are not on the PATH", [team.finds(t) for t in ("cargo", "rustc", "rustup")], [False] * 3)
    team.runs("sha256sum", "--check", "--strict", SUMS)
    proof.check("the files have the checksums of SHA256SUMS", True, True)

    proof.say(f"tar -xzf {unpacked}.tar.gz")
    team.runs("tar", "-xzf", f"{unpacked}.tar.gz")
    proof.say("sam deploy --guided")
    team.runs("sam", "deploy", "--guided", *chosen, answers=guided(team.folder / file))
    outputs = proof.cloud.outputs(STACK)
    function = boto3.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    proof.check("the function's description names the revision", function["Description"].split()[-1], release.revision)
    proof.check("the stack's outputs name the version", outputs["Version"], f"{release.version} ({release.revision})")

    jwhook = f"{unpacked}/jwhook"
    proof.say("jwhook create")
    with JwApi([], {}) as jw:
        create = ("create", "--stack", STACK, "--name", "Media events", "--event", "media_available", "--site", "jsPxIVHl")
        team.runs(jwhook, *create, environment=jw.environment)
        (webhook,) = jw.webhooks
        proof.check("JW has a webhook that calls the stack", webhook["metadata"]["webhook_url"], outputs["WebhookUrl"])
        proof.say("jwhook send")
        team.runs(jwhook, "send", "--stack", STACK, "--url", proof.cloud.reachable_url(outputs["WebhookUrl"]))
        attributes = [message["MessageAttributes"] for message in proof.cloud.receive(outputs["QueueUrl"])]
        found = [(one["event"]["StringValue"], one["webhook_id"]["StringValue"]) for one in attributes]
        proof.check("the event is in the queue", found, [("media_available", webhook["id"])])
        doctor = team.runs(jwhook, "doctor", "--stack", STACK, "--output", "json", environment=jw.environment)
    versions = [check["detail"] for check in json.loads(doctor)["checks"] if check["check"] == "version"]
    proof.check("jwhook doctor finds one commit for the stack and itself",
                versions, [f"the stack and this jwhook have version {release.version} ({release.commit})"])  # fmt: skip

    proof.say("sam deploy, with the saved answers")
    said = team.runs("sam", "deploy", *chosen)
    proof.check("a plain sam deploy finds nothing to change", "No changes to deploy" in said, True)


def main() -> int:
    if not (DIST / SUMS).is_file():
        raise LocalError(f"{DIST / SUMS} does not exist. Run `make release`")
    with cloud_here() as (cloud, folder):
        began = time.monotonic()
        proof = StackChecks(cloud, {}, folder)
        prove(proof, Team(folder))
        seconds = time.monotonic() - began
    if seconds > GOAL_SECONDS:
        raise LocalError(f"the deployment of the release took {seconds:.0f} s, more than {GOAL_SECONDS} s. Find the slow step above")
    print(f"{proof.checks} checks of the release, all ok: {seconds:.0f} s from the files to an event in the queue, without Rust.")
    return 0


if __name__ == "__main__":
    exit_with(main)
