"""Reads and writes build.toml, which names a release's commit and compilers. Other modules import this file.

Other compilers give other bytes. `make verify-release` compares build.toml with this machine first, because a build
takes minutes.
"""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass

from processes import ROOT, LocalError, tomllib

ARCHITECTURES = ("arm64", "x86_64")


@dataclass(frozen=True)
class Source:
    """A release's build.toml. local/commit.sh prints the commit."""

    version: str
    commit: str
    architectures: tuple[str, ...]
    toolchain: dict[str, str]

    @property
    def revision(self) -> str:
        """The parameter Revision, at most 32 characters: the commit, which jwhook compares with its own, and the version."""
        return f"{self.commit}-{self.version}"

    @property
    def is_verifiable(self) -> bool:
        """Whether the release was built from an unchanged commit."""
        return re.fullmatch(r"[0-9a-f]{9}", self.commit) is not None

    def text(self) -> str:
        # JSON writes strings and a list of strings as TOML does
        values = {"version": self.version, "commit": self.commit, "architectures": list(self.architectures)}
        lines = ["# The commit and compilers of this release. `make verify-release` builds the release again."]
        lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        lines += ["", "[toolchain]", *(f"{name} = {json.dumps(value)}" for name, value in self.toolchain.items())]
        return "\n".join(lines) + "\n"


def read(text: str) -> Source:
    try:
        found = tomllib.loads(text)
        return Source(found["version"], found["commit"], tuple(found["architectures"]), found["toolchain"])
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise LocalError(f"build.toml is malformed ({error!r}). Download the release again") from error


def here(architectures: tuple[str, ...]) -> Source:
    """The build.toml of a release that is built now, on this machine."""
    if unknown := sorted(set(architectures) - set(ARCHITECTURES)):
        raise LocalError(f"Lambda has no architecture {unknown[0]}. Set ARCHS to {' or '.join(ARCHITECTURES)}, or both")
    if not architectures:
        raise LocalError(f"ARCHS is empty. Set it to {' or '.join(ARCHITECTURES)}, or both")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]
    return Source(version, output("sh", "local/commit.sh"), architectures, toolchain())


def toolchain() -> dict[str, str]:
    """The versions of the compilers and of the compressor, and the kind of machine that builds.

    cargo hashes the kind of machine into names of build scripts and macros, and each binary contains such names.
    """
    rust = os.environ.get("RUST_BIN") or output("sh", "local/release/toolchain.sh").splitlines()[-1]
    zig = str(ROOT / ".venv-zig" / "bin")
    found = {
        "rustc": output(f"{rust}/rustc", "--version"),
        "cargo": output(f"{rust}/cargo", "--version"),
        "cargo-lambda": output(f"{zig}/cargo-lambda", "lambda", "--version"),
        "zig": output(f"{zig}/python", "-m", "ziglang", "version"),
        "host": platform.machine(),
        "deflate": importlib.metadata.version("deflate"),
    }
    return {name: version.removeprefix(f"{name} ") for name, version in found.items()}


def output(*command: str) -> str:
    try:
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError as error:
        raise LocalError(f"{command[0]} is not on the PATH. Install it") from error
    except subprocess.CalledProcessError as error:
        raise LocalError(f"`{' '.join(command)}` failed:\n{error.stderr}") from error
