"""Checks that a release's binary runs on its machine, and prints its sizes. `make arm64` and `make release` run it.

A binary that needs a newer glibc or another processor builds without an error, and fails when Lambda starts it.

    python local/release/binary.py PATH arm64|x86_64 forwarder|jwhook
"""

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

OLDEST_GLIBC = {"forwarder": "2.34", "jwhook": "2.17"}  # of Lambda's provided.al2023; the oldest that Rust supports
MACHINES = {"arm64": "AArch64", "x86_64": "Advanced Micro Devices X86-64"}


class BinaryError(Exception):
    """The binary does not run on its machine."""


def readelf(binary: Path) -> str:
    command = ["readelf", "--wide", "--file-header", "--version-info", str(binary)]
    try:
        # readelf translates its words into the user's language
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError as error:
        raise BinaryError("readelf is not on the PATH. Install binutils") from error
    if done.returncode != 0 or "Machine:" not in done.stdout:
        raise BinaryError(f"readelf cannot read {binary}: {done.stderr.strip() or 'not an ELF file'}")
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
        raise BinaryError(f"the binary needs GLIBC_{odd[0]}, which is not a numbered version. Find the object that needs it")
    return max((tuple(int(part) for part in version.split(".")) for version in versions), default=(0,))


def zipped(binary: Path) -> int:
    """The size of the zip that Lambda gets."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(binary, "bootstrap")
    return len(archive.getvalue())


def check(binary: Path, architecture: str, oldest: str) -> str:
    read = readelf(binary)
    if machine(read) != MACHINES[architecture]:
        raise BinaryError(f"{binary} is for {machine(read)}, not for {architecture}. Build it again")
    newest = newest_glibc(read)
    version = ".".join(str(part) for part in newest)
    if newest > tuple(int(part) for part in oldest.split(".")):
        raise BinaryError(
            f"{binary} needs glibc {version}, and must run with {oldest}. "
            f"Find the new symbols with `readelf --dyn-syms --wide {binary} | grep GLIBC_{version}`"
        )
    needed = f"needs glibc {version} (allowed: {oldest})" if newest > (0,) else "needs no glibc"
    return (
        f"{binary.name} for {architecture}: {binary.stat().st_size:,} bytes, zip {zipped(binary):,} bytes, {needed}"
    )


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[2] not in MACHINES or sys.argv[3] not in OLDEST_GLIBC:
        print(f"usage: python {sys.argv[0]} PATH {'|'.join(MACHINES)} {'|'.join(OLDEST_GLIBC)}", file=sys.stderr)
        return 2
    try:
        print(check(Path(sys.argv[1]), sys.argv[2], OLDEST_GLIBC[sys.argv[3]]))
    except BinaryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
