"""Checks that a release's binary fits the processor and the glibc of its machine. `make arm64` and `make release` run it.

The build of a binary that needs a newer glibc or another processor succeeds. It would fail when Lambda starts it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from processes import LocalError, exit_with

OLDEST_GLIBC = {"forwarder": "2.34", "jwhook": "2.17"}  # Lambda's provided.al2023 has 2.34; Rust supports 2.17
MACHINES = {"arm64": "AArch64", "x86_64": "Advanced Micro Devices X86-64"}


def readelf(binary: Path) -> str:
    command = ["readelf", "--wide", "--file-header", "--version-info", str(binary)]
    try:
        # readelf translates its words into the user's language
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError as error:
        raise LocalError("readelf is not on the PATH. Install binutils") from error
    if done.returncode != 0 or "Machine:" not in done.stdout:
        raise LocalError(f"readelf cannot read {binary}: {done.stderr.strip() or 'not an ELF file'}")
    return done.stdout


def machine(read: str) -> str:
    found = re.search(r"^\s*Machine:\s*(.*?)\s*$", read, re.MULTILINE)
    return found[1] if found else "none"


def newest_glibc(read: str) -> tuple[int, ...]:
    """The oldest glibc with which the binary runs; (0,) for a static binary."""
    # readelf lists a library's own versions too, as definitions
    needs = read.partition("Version needs section")[2]
    versions = set(re.findall(r"Name: GLIBC_(\S+)", needs))
    if odd := sorted(version for version in versions if not re.fullmatch(r"\d+(\.\d+)+", version)):
        raise LocalError(f"the binary needs GLIBC_{odd[0]}, not a numbered version. Find the object that needs it")
    return max((tuple(int(part) for part in version.split(".")) for version in versions), default=(0,))


def check(binary: Path, architecture: str, oldest: str) -> str:
    read = readelf(binary)
    if machine(read) != MACHINES[architecture]:
        raise LocalError(f"{binary} is for {machine(read)}, not for {architecture}. Build it again")
    newest = newest_glibc(read)
    version = ".".join(str(part) for part in newest)
    if newest > tuple(int(part) for part in oldest.split(".")):
        raise LocalError(
            f"{binary} needs glibc {version}, and must run with {oldest}. "
            f"Find the new symbols with `readelf --dyn-syms --wide {binary} | grep GLIBC_{version}`"
        )
    needed = f"needs glibc {version} (allowed: {oldest})" if newest > (0,) else "needs no glibc"
    return f"{binary.name} for {architecture}: {binary.stat().st_size:,} bytes, {needed}"


def main() -> int:
    _, binary, architecture, name = sys.argv  # for example PATH arm64 forwarder
    print(check(Path(binary), architecture, OLDEST_GLIBC[name]))
    return 0


if __name__ == "__main__":
    exit_with(main)
