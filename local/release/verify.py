"""`make verify-release SUMS=PATH/SHA256SUMS`: whether a release is what its commit builds.

Builds the release again from the commit that is checked out, and names each file whose sum differs. Refuses before the
build if the commit or a compiler is another than the release's, because then the sums must differ.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from processes import LocalError, exit_with
from release.package import BUILDS, SUMS, write
from release.source import Source, here, read
from stack import ROOT

FOLDER = ROOT / "target" / "verify-release"
BUILD = "build.toml"
LINE = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


def sums(text: str) -> dict[str, str]:
    """The sum of each file, from a file that sha256sum wrote."""
    lines = [LINE.fullmatch(line) for line in text.splitlines()]
    if not lines or None in lines:
        raise LocalError(f"SUMS is not a file as sha256sum writes it, a sum and a name on each line: give the release's {SUMS}")
    return {line[2]: line[1] for line in lines if line}


def claimed(given: Path) -> tuple[Source, dict[str, str]]:
    """What the release says that it was built from and with, and the sums of its files."""
    try:
        listed = sums(given.read_text(encoding="utf-8"))
        build = (given.parent / BUILD).read_bytes()
    except OSError as error:
        raise LocalError(f"cannot read {error.filename}: SUMS must be the release's {SUMS}, with its {BUILD} beside it") from error
    if hashlib.sha256(build).hexdigest() != listed.get(BUILD):
        raise LocalError(f"{given.parent / BUILD} is not the file that {given} lists: fetch both again")
    return read(build.decode()), listed


def refuse_another_source(release: Source, ours: Source) -> None:
    """Raises if this folder or this machine cannot build the same bytes."""
    if not release.is_verifiable:
        raise LocalError(f"the release {release.revision} was built from a folder with uncommitted changes: it cannot be verified")
    if release.commit != ours.commit:
        raise LocalError(
            f"the release is of commit {release.commit}, and {ours.commit} is checked out here: "
            f"git checkout {release.commit}, with no changes of your own, then try again"
        )
    if release.version != ours.version:
        raise LocalError(f"the release calls itself {release.version}, and its commit is version {ours.version}: do not use it")
    for name in sorted({*release.toolchain, *ours.toolchain}):
        theirs, own = (source.toolchain.get(name, "none") for source in (release, ours))
        if theirs != own:
            raise LocalError(
                f"the release was built with {name} {theirs}, and this machine has {own}, which builds other bytes: "
                f"install {name} {theirs}, then try again"
            )


def differences(listed: dict[str, str], rebuilt: dict[str, str]) -> list[str]:
    """One line for each file that is not the same in both."""
    faults = [f"{name}: missing in the release" for name in sorted(rebuilt.keys() - listed.keys())]
    faults += [f"{name}: the commit builds no such file" for name in sorted(listed.keys() - rebuilt.keys())]
    both = sorted(name for name in listed.keys() & rebuilt.keys() if listed[name] != rebuilt[name])
    return faults + [f"{name}: {listed[name]} in the release, {rebuilt[name]} built here" for name in both]


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1]:
        raise LocalError(f"which release? make verify-release SUMS=PATH/{SUMS}")
    release, listed = claimed(Path(sys.argv[1]))
    ours = here(release.architectures)
    refuse_another_source(release, ours)
    # cargo would take what the release itself was made of, and the check would find no difference
    shutil.rmtree(ROOT / BUILDS, ignore_errors=True)
    write(FOLDER, ours)
    faults = differences(listed, sums((FOLDER / SUMS).read_text(encoding="utf-8")))
    if faults:
        print(*(f"differs: {fault}" for fault in faults), sep="\n")
        raise LocalError(f"{len(faults)} files of the release are not what its commit builds; the build is in {FOLDER}")
    print(f"verified: commit {release.commit} builds the same {len(listed)} files")
    return 0


if __name__ == "__main__":
    exit_with(main)
