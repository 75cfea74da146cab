"""What a release is built from and with: build.toml.

Exists because a release that is built again can only be the same with the same compilers. The release names them, and
`make verify-release` refuses others by name before it spends minutes on a build that must differ.
"""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass

from processes import LocalError
from stack import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ARCHITECTURES = ("arm64", "x86_64")
TOOLCHAIN = "toolchain"


@dataclass(frozen=True)
class Source:
    """A release's build.toml. Its commit is as local/commit.sh prints it."""

    version: str
    commit: str
    architectures: tuple[str, ...]
    toolchain: dict[str, str]

    @property
    def revision(self) -> str:
        """As the parameter Revision takes it: at most 32 characters, and jwhook compares the commit that it begins with."""
        return f"{self.commit}-{self.version}"

    @property
    def is_verifiable(self) -> bool:
        """Whether it was built from a commit, without changes that no commit has."""
        return re.fullmatch(r"[0-9a-f]{9}", self.commit) is not None

    def text(self) -> str:
        named = {"version": self.version, "commit": self.commit}
        lines = ["# What this release was built from and with; `make verify-release` builds it again."]
        lines += [f'{name} = "{value}"' for name, value in named.items()]
        lines += [f"architectures = [{', '.join(f'{chr(34)}{one}{chr(34)}' for one in self.architectures)}]"]
        lines += ["", f"[{TOOLCHAIN}]", *(f'{name} = "{value}"' for name, value in self.toolchain.items())]
        return "\n".join(lines) + "\n"


def read(text: str) -> Source:
    """A build.toml, as text() writes it."""
    try:
        found = tomllib.loads(text)
        return Source(found["version"], found["commit"], tuple(found["architectures"]), found[TOOLCHAIN])
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise LocalError(f"build.toml is not what `make release` writes ({error!r}): fetch the release again") from error


def here(architectures: tuple[str, ...]) -> Source:
    """What a release that is built now is built from and with."""
    if unknown := sorted(set(architectures) - set(ARCHITECTURES)):
        raise LocalError(f"Lambda has no architecture {unknown[0]}: ARCHS takes {' and '.join(ARCHITECTURES)}")
    if not architectures:
        raise LocalError(f"ARCHS is empty: it takes {' and '.join(ARCHITECTURES)}")
    return Source(version(), output("sh", "local/commit.sh"), architectures, toolchain())


def version() -> str:
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text).get("package", {}).get("version")
    if not isinstance(found, str) or not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?", found):
        raise LocalError("Cargo.toml has no version of the form 1.2.3 below [package]: a release is named by it")
    return found


def toolchain() -> dict[str, str]:
    """The compilers as each names itself, the compressor of the archives, and the machine that builds.

    cargo hashes the host into the names of what build scripts and macros make, and so into every binary.
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
        raise LocalError(f"there is no {command[0]} on the PATH: install it, then try again") from error
    except subprocess.CalledProcessError as error:
        raise LocalError(f"`{' '.join(command)}` failed:\n{error.stderr}") from error
