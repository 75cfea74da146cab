"""`make verify-release SUMS=PATH/SHA256SUMS`: builds a release again and names each file that differs.

Run it on the release's commit before you trust a release.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from processes import ROOT, LocalError, exit_with
from release.package import BUILDS, SUMS, write
from release.source import Source, here, read

FOLDER = ROOT / "target" / "verify-release"
BUILD = "build.toml"
LINE = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


def sums(text: str) -> dict[str, str]:
    """The checksum of each file, from the output of sha256sum."""
    lines = [LINE.fullmatch(line) for line in text.splitlines()]
    if not lines or None in lines:
        raise LocalError(f"SUMS is not a list of checksums. Set it to the path of the release's {SUMS}")
    return {line[2]: line[1] for line in lines if line}


def claimed(given: Path) -> tuple[Source, dict[str, str]]:
    """The release's build.toml and the checksums of its files."""
    try:
        listed = sums(given.read_text(encoding="utf-8"))
        build = (given.parent / BUILD).read_bytes()
    except OSError as error:
        what = f"Set SUMS to the release's {SUMS}, with {BUILD} in the same folder"
        raise LocalError(f"cannot read {error.filename}. {what}") from error
    if hashlib.sha256(build).hexdigest() != listed.get(BUILD):
        raise LocalError(f"{given.parent / BUILD} does not have the checksum in {given}. Download both again")
    return read(build.decode()), listed


def refuse_another_source(release: Source, ours: Source) -> None:
    """If this folder or machine cannot build the same bytes, raises an error before the long build."""
    if not release.is_verifiable:
        raise LocalError(f"the release {release.revision} cannot be verified: it has no unchanged commit. Do not use it")
    if release.commit != ours.commit:
        raise LocalError(
            f"the release is of commit {release.commit}, but this folder has {ours.commit}. "
            f"Run `git checkout {release.commit}` in a clone without changes"
        )
    if release.version != ours.version:
        raise LocalError(f"the release says version {release.version}, but its commit is version {ours.version}. Do not use it")
    for name in sorted({*release.toolchain, *ours.toolchain}):
        theirs, own = (source.toolchain.get(name, "none") for source in (release, ours))
        if theirs != own:
            raise LocalError(
                f"the release was built with {name} {theirs}, but this machine has {own}, which gives other bytes. "
                f"Install {name} {theirs}"
            )


def differences(listed: dict[str, str], rebuilt: dict[str, str]) -> list[str]:
    """A line for each file that differs."""
    faults = [f"{name}: missing in the release" for name in sorted(rebuilt.keys() - listed.keys())]
    faults += [f"{name}: not built from the commit" for name in sorted(listed.keys() - rebuilt.keys())]
    both = sorted(name for name in listed.keys() & rebuilt.keys() if listed[name] != rebuilt[name])
    return faults + [f"{name}: {listed[name]} in the release, {rebuilt[name]} built here" for name in both]


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1]:
        raise LocalError(f"SUMS is missing. Run `make verify-release SUMS=PATH/{SUMS}`")
    release, listed = claimed(Path(sys.argv[1]))
    ours = here(release.architectures)
    refuse_another_source(release, ours)
    # otherwise cargo would reuse the release's own binaries, and this program would find no difference
    shutil.rmtree(ROOT / BUILDS, ignore_errors=True)
    write(FOLDER, ours)
    faults = differences(listed, sums((FOLDER / SUMS).read_text(encoding="utf-8")))
    if faults:
        print(*(f"differs: {fault}" for fault in faults), sep="\n")
        raise LocalError(f"{len(faults)} files of the release differ from the build in {FOLDER}. Do not use the release")
    print(f"verified: commit {release.commit} builds the same {len(listed)} files")
    return 0


if __name__ == "__main__":
    exit_with(main)
