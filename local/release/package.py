"""`make release`: writes dist/, from which a team deploys without Rust. Run it on a release's commit (RELEASING.md).

One commit gives the same bytes on every machine of one kind: no file has a date, an owner or a path.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from string import Template

from processes import ROOT, LocalError, exit_with
from release.archive import EXECUTABLE, Member, tar_gz, zipped
from release.binary import OLDEST_GLIBC, check
from release.source import Source, here
from release.templates import released

SUMS = "SHA256SUMS"
HOST = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
BUILDS = Path("target", "release-build")  # build.sh builds into this folder
COMPLETIONS = {"bash": "jwhook.bash", "zsh": "_jwhook", "fish": "jwhook.fish"}  # the shells look for these names


def write(folder: Path, source: Source) -> None:
    """Builds the release and writes it into this folder. Removes everything else from the folder."""
    files = {name: text.encode() for name, text in texts(source).items()}
    license_text = (ROOT / "LICENSE").read_bytes()
    jwhooks = {one: built(one, "jwhook") for one in sorted({*source.architectures, HOST})}
    shell_texts = for_shells(jwhooks[HOST])  # a jwhook of another architecture may not run here
    for architecture in source.architectures:
        files |= {f"forwarder-{source.version}-{architecture}.cdx.json": bill_of_materials(architecture)}
        bootstrap = Member("bootstrap", built(architecture, "forwarder").read_bytes(), EXECUTABLE)
        files[zip_name(source, architecture)] = zipped(bootstrap)
        name = f"jwhook-{source.version}-linux-{architecture}"
        jwhook = Member("jwhook", jwhooks[architecture].read_bytes(), EXECUTABLE)
        members = [jwhook, *shell_texts, Member("LICENSE", license_text)]
        files[f"{name}.tar.gz"] = tar_gz([Member(f"{name}/{one.name}", one.data, one.mode) for one in members])
    files["LICENSE"] = license_text
    sums = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in [*files.items(), (SUMS, "".join(sums).encode())]:
        (folder / name).write_bytes(data)


def texts(source: Source) -> dict[str, str]:
    """The release's text files."""
    repository = (ROOT / "template.yaml").read_text(encoding="utf-8")
    first, *others = source.architectures
    templates = {first: "template.yaml"} | {other: f"template-{other}.yaml" for other in others}
    environments = {"default": first} | {other: other for other in others}
    choice = f"The function is for {first}." + "".join(
        f" For {other}, add `--config-env {other}` to each `sam deploy`." for other in others
    )
    return {
        **{file: released(repository, one, zip_name(source, one)) for one, file in templates.items()},
        # This file sets the architecture. Otherwise sam would keep the architecture of the deployed stack.
        "samconfig.toml": "version = 0.1\n\n" + "\n".join(
            filled("samconfig.toml", ENVIRONMENT=name, TEMPLATE=templates[one], REVISION=source.revision, ARCHITECTURE=one)
            for name, one in environments.items()
        ),
        "deploy.md": filled(
            "deploy.md", VERSION=source.version, COMMIT=source.commit, REVISION=source.revision, ARCHITECTURES=choice
        ),
        "build.toml": source.text(),
    }


def filled(page: str, **values: str) -> str:
    """A file of local/release in which these values replace each ${NAME}. A name without a value is an error."""
    return Template(Path(__file__).with_name(page).read_text(encoding="utf-8")).substitute(values)


def zip_name(source: Source, architecture: str) -> str:
    return f"forwarder-{source.version}-{architecture}.zip"


def built(architecture: str, binary: str) -> Path:
    """Builds and checks a binary of the release."""
    print(f"==> {binary} for {architecture}", flush=True)
    command = ["sh", "local/release/build.sh", architecture, binary]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0 or not done.stdout.strip():
        raise LocalError(f"`{' '.join(command)}` did not build {binary} for {architecture}. Read its output above")
    file = Path(done.stdout.splitlines()[-1])
    print(check(file, architecture, OLDEST_GLIBC[binary]), flush=True)
    return file


def bill_of_materials(architecture: str) -> bytes:
    return (ROOT / "target" / "sbom" / f"{architecture}.cdx.json").read_bytes()


def for_shells(jwhook: Path) -> list[Member]:
    """The manual page and the completions that jwhook prints. They are the same for every architecture."""

    def printed(*arguments: str) -> bytes:
        return subprocess.run([jwhook, *arguments], check=True, stdout=subprocess.PIPE).stdout

    completions = [Member(f"completions/{file}", printed("completions", shell)) for shell, file in COMPLETIONS.items()]
    return [*completions, Member("man/man1/jwhook.1", printed("man"))]


def main() -> int:
    folder, architectures = Path(sys.argv[1]), tuple(sys.argv[2:])
    source = here(architectures)
    write(folder, source)
    print(f"release {source.revision}, for {' and '.join(source.architectures)}:")
    for file in sorted(folder.iterdir()):
        print(f"  {file.stat().st_size:>10,}  {file}")
    if not source.is_verifiable:
        print(f"note: nobody can verify this release, because its commit is {source.commit}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    exit_with(main)
