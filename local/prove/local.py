"""`make local`: runs `sam local invoke` with each file of events/, and `sam local start-api`. Run it after a change of
the template, because these commands read the template in their own way.

The commands need Docker, which downloads SAM's image, or Podman with runc. This program starts Podman's service itself,
with a small image instead of SAM's. Without a container engine it prints SKIPPED. ministack listens on the gateway of
the engine's bridge, because a container cannot reach this machine's loopback interface.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import boto3

from demo import ACCEPTED, HELD, REFUSED
from emulators.cloud import SAM
from emulators.held_queue import HELD_QUEUE_NAME
from make_events import FOLDER, KEY_RING, read
from processes import LocalError, Processes, exit_with, started
from release.package import HOST
from stack import LOCALHOST, PATH, QUEUE_NAME, ROOT, SECRET_ID, START_SECONDS
from stack import forwarder_binary, free_port, keep_to_this_machine, listens, ministack_environment
from checks.template.translated import template

IMAGE = "public.ecr.aws/lambda/provided:al2023-rapid-x86_64"
API_SECONDS = 60  # the first start unpacks the image
# sam local sets an unset variable to "", and then the function does not start. So the limit here is a century.
NO_LIMIT = "3153600000"
EXPECTED = {
    **{name: 200 for name in [HELD, *ACCEPTED]},
    **{name: status for name, (_, status, _) in REFUSED.items()},
    "content_encoding_unsupported": 415,
    "claims_malformed": 401,
    "event_stale": 200,  # younger than a century
}


def docker_answers() -> bool:
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def docker_gateway() -> str:
    form = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", "--format", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def podman_in(folder: Path) -> list[str]:
    return ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]


def start_podman(processes: Processes, folder: Path) -> str:
    """Starts Podman's service with its own storage and the image that SAM expects. Returns the bridge's gateway."""
    configuration = folder / "containers.conf"
    configuration.write_text(
        '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n'
        '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
    )
    os.environ["CONTAINERS_CONF"] = str(configuration)
    socket = folder / "podman.sock"
    podman = podman_in(folder)
    processes.start("podman", [*podman, "system", "service", "--time=0", f"unix://{socket}"], {}, ROOT)
    processes.wait("podman's socket", START_SECONDS, socket.exists)
    os.environ["DOCKER_HOST"] = f"unix://{socket}"
    files = folder / "image"
    (emulator,) = SAM.parent.parent.glob("lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64")
    copy(emulator, files / "var" / "rapid" / "aws-lambda-rie").chmod(0o755)
    linked = subprocess.run(["ldd", str(forwarder_binary())], capture_output=True, text=True, check=True).stdout
    for library in {word for word in linked.split() if word.startswith("/")}:
        copy(Path(library), files / library.lstrip("/"))
    (files / "tmp").mkdir()
    archive = shutil.make_archive(str(folder / "image"), "tar", files)
    change = ["--change", "WORKDIR /var/task", "--change", "ENV LAMBDA_TASK_ROOT=/var/task"]
    subprocess.run([*podman, "import", *change, archive, IMAGE], capture_output=True, check=True)
    # the bridge exists only while a container runs, so this container runs until the end
    run = [*podman, "run", "--detach", "--entrypoint", "/var/rapid/aws-lambda-rie", IMAGE, "/nothing"]
    holder = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    inspect = [*podman, "inspect", holder, "--format", "{{.NetworkSettings.Gateway}}"]
    return subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()


def stop_podman(folder: Path) -> None:
    """Stops the containers, which are not child processes, before `started` deletes the folder with their storage."""
    if (folder / "run").exists():
        subprocess.run([*podman_in(folder), "rm", "--all", "--force", "--time", "1"], capture_output=True)


def copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, target))


def write_inputs(folder: Path, endpoint: str, queue_url: str, held_queue_url: str) -> list[str]:
    """Writes a template that deploys the binary, and a file of variables. Returns the arguments for `sam local`."""
    code = folder / "code"
    copy(forwarder_binary(), code / "bootstrap")
    copied = template()
    function = copied["Resources"]["Forwarder"]["Properties"]
    function["CodeUri"] = str(code)
    function["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""  # sam passes only variables of the template
    (folder / "template.json").write_text(json.dumps(copied))
    variables = {
        "QUEUE_URL": queue_url,
        "HELD_QUEUE_URL": held_queue_url,
        "WEBHOOK_SECRET_ID": SECRET_ID,
        "MAX_EVENT_AGE_SECONDS": NO_LIMIT,
        "AWS_ENDPOINT_URL": endpoint,
    }
    (folder / "environment.json").write_text(json.dumps({"Forwarder": variables}))
    return ["--template", str(folder / "template.json"), "--env-vars", str(folder / "environment.json"),
            "--region", os.environ["AWS_REGION"],
            "--parameter-overrides", "Architecture=x86_64"]  # fmt: skip


def invoke_each(arguments: list[str]) -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    if set(names) != EXPECTED.keys():
        raise LocalError(f"events/ and EXPECTED differ in {set(names) ^ EXPECTED.keys()}. Correct EXPECTED in local/prove/local.py")
    for name in names:
        command = [str(SAM), "local", "invoke", "Forwarder", "--event", str(FOLDER / f"{name}.json"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        try:
            status = json.loads(done.stdout.strip().splitlines()[-1])["statusCode"]
        except (ValueError, LookupError, TypeError) as error:
            raise LocalError(f"sam local invoke with {name}.json gave no answer:\n{done.stdout}{done.stderr}") from error
        check(f"sam local invoke, {name}.json", status, EXPECTED[name])


def call_the_api(processes: Processes, folder: Path, arguments: list[str]) -> None:
    port = free_port()
    command = [str(SAM), "local", "start-api", "--host", LOCALHOST, "--port", str(port), *arguments]
    processes.start("sam local start-api", command, {}, folder)
    processes.wait("sam local start-api to listen", API_SECONDS, lambda: listens(port))
    for name, method, path, status in [
        ("media_available", "POST", PATH, 200),
        ("forged", "POST", PATH, 401),
        ("media_available", "POST", "/elsewhere", 403),  # sam's answer for a route that is not in the template
    ]:
        event = read(name)
        headers = {header: event["headers"][header] for header in ("authorization", "content-type")}
        connection = http.client.HTTPConnection(LOCALHOST, port, timeout=API_SECONDS)
        connection.request(method, path, event["body"], headers)
        check(f"sam local start-api, {name}.json to {path}", connection.getresponse().status, status)
        connection.close()


def check(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise LocalError(f"{what}: status {found}, expected {expected}")
    print(f"  ok  {what}: {found}", flush=True)


def main() -> int:
    docker = docker_answers()
    if (sys.platform, HOST) != ("linux", "x86_64"):
        print("SKIPPED: `make local` runs this machine's binary in a container, which needs Linux on x86_64.")
        print("On other machines run `make package`, then `sam local start-api`.")
        return 0
    if not docker and not (shutil.which("podman") and shutil.which("runc")):
        print("SKIPPED: Docker does not answer, and Podman or runc is not on the PATH. Nothing was checked.")
        print("On Debian and Ubuntu: apt install --no-install-recommends podman runc netavark aardvark-dns iptables")
        return 0
    keep_to_this_machine()
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    with started(subprocess.CalledProcessError, before_stop=stop_podman) as (processes, folder):
        gateway = docker_gateway() if docker else start_podman(processes, folder)
        port = free_port()
        environment = {**ministack_environment(port, folder), "BIND_HOST": gateway}
        processes.start("ministack", [sys.executable, "-m", "ministack"], environment, ROOT)
        processes.wait("ministack to listen", START_SECONDS, lambda: listens(port, gateway))
        endpoint = f"http://{gateway}:{port}"
        boto3.client("secretsmanager", endpoint_url=endpoint).create_secret(Name=SECRET_ID, SecretString=KEY_RING)
        sqs = boto3.client("sqs", endpoint_url=endpoint)
        queue_urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in (QUEUE_NAME, HELD_QUEUE_NAME)]
        arguments = write_inputs(folder, endpoint, *queue_urls)
        if not docker:
            arguments.append("--skip-pull-image")
        invoke_each(arguments)
        call_the_api(processes, folder, arguments)
    print("sam local answers each file of events/ as expected. Nothing is left running.")
    return 0


if __name__ == "__main__":
    exit_with(main)
