"""`make local`: `sam local invoke` with each file of events/, and `sam local start-api` over HTTP.

Exists because these are what people run to try a function of SAM's, and they take the template apart in their own way.
They need a container engine: Docker, if one answers, which gets SAM's image as usual; else Podman with runc, as a
process of ours, with an image of a few files in place of SAM's. Without either it says so, loudly, and checks nothing.

The stand-in for AWS listens on the gateway of the engine's bridge: a container can't reach this machine's loopback.
"""

import http.client
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3
from samtranslator.yaml_helper import yaml_parse

from cloud import SAM
from demo import ACCEPTED, HELD, REFUSED
from held_queue import HELD_QUEUE_NAME
from make_events import FOLDER, KEY_RING
from processes import INTERRUPTS, LocalError, Processes, exit_with
from stack import (
    LOCALHOST,
    PATH,
    QUEUE_NAME,
    ROOT,
    SECRET_ID,
    START_SECONDS,
    forwarder_binary,
    free_port,
    keep_to_this_machine,
    listens,
    ministack_environment,
)

IMAGE = "public.ecr.aws/lambda/provided:al2023-rapid-x86_64"
API_SECONDS = 60  # the first time it unpacks the image
# sam local hands an unset variable over as an empty one, which stops the start: so it has to have a value, a century.
NO_LIMIT = "3153600000"
EXPECTED = {
    **{name: 200 for name in [HELD, *ACCEPTED]},
    **{name: status for name, (_, status, _) in REFUSED.items()},
    "content_encoding_unsupported": 415,
    "claims_malformed": 401,
    "event_stale": 200,  # within the century
}


def docker_answers() -> bool:
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def docker_gateway() -> str:
    form = "{{(index .IPAM.Config 0).Gateway}}"
    command = ["docker", "network", "inspect", "bridge", "--format", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def start_podman(processes: Processes, folder: Path) -> str:
    """Podman's service, with storage of its own, and the image that SAM looks for. Its bridge's gateway."""
    configuration = folder / "containers.conf"
    configuration.write_text(
        '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n'
        '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
    )
    os.environ["CONTAINERS_CONF"] = str(configuration)
    socket = folder / "podman.sock"
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
    processes.start("podman", ["podman", *storage, "system", "service", "--time=0", f"unix://{socket}"], {}, ROOT)
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
    podman = ["podman", *storage]
    subprocess.run([*podman, "import", *change, archive, IMAGE], capture_output=True, check=True)
    # the bridge is there as long as a container is: this one waits for work that never comes
    run = [*podman, "run", "--detach", "--entrypoint", "/var/rapid/aws-lambda-rie", IMAGE, "/nothing"]
    holder = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    inspect = [*podman, "inspect", holder, "--format", "{{.NetworkSettings.Gateway}}"]
    return subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()


def stop_podman(folder: Path) -> None:
    """Podman's containers are nobody's children: they are ended by the engine, while it still has its storage."""
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
    if (folder / "run").exists():
        subprocess.run(["podman", *storage, "rm", "--all", "--force", "--time", "1"], capture_output=True)


def copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, target))


def write_inputs(folder: Path, endpoint: str, queue_url: str, held_queue_url: str) -> list[str]:
    """The template with our binary in it and an endpoint for it; `sam local`'s arguments for these."""
    code = folder / "code"
    copy(forwarder_binary(), code / "bootstrap")
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    function = template["Resources"]["Forwarder"]["Properties"]
    function["CodeUri"] = str(code)
    function["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""  # sam passes what the template names, and no more
    (folder / "template.json").write_text(json.dumps(template))
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
        raise LocalError(f"events/ and what is expected of it differ in {set(names) ^ EXPECTED.keys()}")
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
        ("media_available", "POST", "/elsewhere", 403),  # sam's own, for a route that the template hasn't
    ]:
        event = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        headers = {header: event["headers"][header] for header in ("authorization", "content-type")}
        connection = http.client.HTTPConnection(LOCALHOST, port, timeout=API_SECONDS)
        connection.request(method, path, event["body"], headers)
        check(f"sam local start-api, {name}.json to {path}", connection.getresponse().status, status)
        connection.close()


def check(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise LocalError(f"{what}: answered {found}, expected {expected}")
    print(f"  ok  {what}: {found}", flush=True)


def main() -> int:
    docker = docker_answers()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        print("SKIPPED: `make local` runs this machine's own binary in a container, which takes Linux on x86_64.")
        print("Elsewhere: `make package`, then `sam local start-api`.")
        return 0
    if not docker and not (shutil.which("podman") and shutil.which("runc")):
        print("SKIPPED: no container engine: Docker doesn't answer, and there is no Podman with runc. NOTHING WAS CHECKED.")
        print("On Debian and Ubuntu: apt install --no-install-recommends podman runc netavark aardvark-dns iptables")
        return 0
    keep_to_this_machine()
    os.environ["SAM_CLI_TELEMETRY"] = "0"
    folder = Path(tempfile.mkdtemp(prefix="jw-webhook-forwarder-"))
    processes = Processes(folder)
    try:
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
    except (LocalError, subprocess.CalledProcessError) as error:
        processes.show_output()
        raise LocalError(str(error)) from error
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # for good: ending what runs is the last that we do
        stop_podman(folder)
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("sam local answers each of events/ as it has to. Nothing is left running.")
    return 0


if __name__ == "__main__":
    exit_with(main)
