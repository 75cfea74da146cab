"""Tests build.sh, debian.sh and binary.py with a crate that builds in seconds. `make ci` runs these tests.

The first rustup, cargo and rustc on the PATH are fakes, which only write each call into a file: build.sh must use others.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from processes import ROOT, LocalError
from release.binary import check

COPIED = ("pyproject.toml", "local/*.sh", "local/lock/*.txt")
MANIFEST = """[package]
name = "forwarder"
version = "0.0.0"
edition = "2024"

[profile.release]
panic = "unwind"
"""
LOCK = """version = 4

[[package]]
name = "forwarder"
version = "0.0.0"
"""
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >>"$(dirname "$0")/called"\nexit 1\n'


class Project:
    """A small crate with the project's build scripts and this machine's tools."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "local/lock").mkdir(parents=True)
        for path in (path for pattern in COPIED for path in ROOT.glob(pattern)):
            shutil.copy(path, folder / path.relative_to(ROOT))
        shutil.copytree(ROOT / "local/release", folder / "local/release", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "target").mkdir()
        for name in (".venv-uv", ".venv-zig"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "src").mkdir()
        (folder / "src/main.rs").write_text("fn main() {}\n")
        (folder / "Cargo.toml").write_text(MANIFEST)
        (folder / "Cargo.lock").write_text(LOCK)
        self.shims = folder / "shims"
        self.shims.mkdir()
        for name in ("rustup", "cargo", "rustc"):
            self.executable(self.shims / name, NOTE)

    @staticmethod
    def executable(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert text.count(old) == 1, f"{name} does not have {old!r} exactly once"
        (self.folder / name).write_text(text.replace(old, new))

    def run(self, script: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        path = f"{self.shims}{os.pathsep}{environment.pop('PATH', os.environ['PATH'])}"
        command = ["/bin/sh", str(self.folder / "local/release" / script), *arguments]
        return subprocess.run(command, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True)

    def called(self) -> list[str]:
        note = self.shims / "called"
        return note.read_text().splitlines() if note.exists() else []


class BuildTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Project(Path(folder.name).resolve())
        done = subprocess.run(["sh", "local/release/toolchain.sh"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, "cannot unpack the compiler of releases (see above)")
        self.rust = done.stdout.strip()

    def test_build_uses_no_rust_on_the_path(self) -> None:
        done = self.project.run("build.sh", "arm64", "forwarder", RUST_BIN=self.rust, RUSTFLAGS="--nonsense")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(check(Path(done.stdout.splitlines()[-1]), "arm64", "2.34"), r"for arm64: [\d,]+ bytes")
        self.assertEqual(self.project.called(), [])

    def test_build_fails_if_cargo_lambda_asks_rustup_for_a_target(self) -> None:
        self.project.change("local/release/build.sh", " --skip-target-check", "")
        done = self.project.run("build.sh", "arm64", "forwarder", RUST_BIN=self.rust)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("error: the build called rustup: rustup target list --installed", done.stderr)
        self.assertEqual(self.project.called(), [])  # the build did not call the fake rustup on the PATH

    def test_build_that_needs_a_network_fails(self) -> None:
        probe = 'fn main() { std::net::TcpStream::connect("127.0.0.1:9").unwrap(); }\n'
        (self.project.folder / "build.rs").write_text(probe)
        done = self.project.run("build.sh", "arm64", "forwarder", RUST_BIN=self.rust)
        self.assertNotEqual(done.returncode, 0)
        if "the build has a network" not in done.stderr:
            self.assertIn("NetworkUnreachable", done.stderr)

    def test_unknown_architecture_or_binary_is_rejected(self) -> None:
        for arguments, message in (
            (("riscv", "forwarder"), "unknown architecture 'riscv'. Use arm64 or x86_64"),
            (("arm64", "other"), "unknown binary 'other'. Use forwarder or jwhook"),
        ):
            done = self.project.run("build.sh", *arguments)
            self.assertEqual((done.returncode, done.stderr), (1, f"error: {message}\n"))


class DebianTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Project(Path(folder.name).resolve())
        self.list = self.project.folder / "list.txt"
        self.unpacked = self.project.folder / "target/unpacked"

    def fake(self, **scripts: str) -> None:
        for name, script in scripts.items():
            self.project.executable(self.project.shims / name.replace("_", "-"), f"#!/bin/sh\n{script}\n")

    def fetch(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        self.list.write_text("# why\n\nsome-package:arm64=1.0 # why\n")
        return self.project.run("debian.sh", str(self.list), str(self.unpacked), **environment)

    def test_error_without_apt_says_where_to_run(self) -> None:
        tools = self.project.folder / "tools"
        tools.mkdir()
        for name in ("sed", "grep", "cat"):
            (tools / name).symlink_to(shutil.which(name) or name)
        done = self.fetch(PATH=str(tools))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "error: apt-get is not on the PATH.*\nRun this on Debian 12")

    def test_error_for_a_missing_version_lists_the_available_versions(self) -> None:
        madison = 'case $3 in show) exit 100 ;; madison) echo "some-package | 2.0 | somewhere Packages" ;; esac'
        self.fake(apt_get="exit 0", apt_cache=madison)
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: apt no longer has some-package:arm64=1.0. It has: 2.0", done.stderr)
        self.assertFalse(self.unpacked.exists())

    def test_error_without_a_network_repeats_apts_error(self) -> None:
        self.fake(apt_get='echo "W: Failed to fetch it"', apt_cache="case $3 in show) exit 100 ;; esac")
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "apt has no package some-package:arm64.*Failed to fetch it\nCheck the network")

    def test_failed_download_leaves_no_folder(self) -> None:
        self.fake(apt_get='[ "$5" != download ]', apt_cache="exit 0")
        done = self.fetch()
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: apt-get cannot download the packages of", done.stderr)
        self.assertFalse(self.unpacked.exists())

    def test_packages_of_the_same_list_are_not_fetched_again(self) -> None:
        self.unpacked.mkdir()
        (self.unpacked / "packages").write_text("some-package:arm64=1.0\n")
        self.fake(apt_get="exit 1", apt_cache="exit 1")
        self.assertEqual(self.fetch().returncode, 0)


class BinaryTest(unittest.TestCase):
    def test_binary_for_another_machine_or_newer_glibc_is_rejected(self) -> None:
        python = Path(sys.executable).resolve()
        other = "arm64" if os.uname().machine == "x86_64" else "x86_64"
        same = "x86_64" if other == "arm64" else "arm64"
        for binary, architecture, glibc, message in (
            (python, other, "9.9", f"not for {other}"),
            (python, same, "2.2", r"needs glibc 2\.\d+, and must run with 2\.2"),
            (ROOT / "LICENSE", same, "9.9", "readelf cannot read"),
            (ROOT / "nothing", same, "9.9", "readelf cannot read"),
        ):
            with self.subTest(message), self.assertRaisesRegex(LocalError, message):
                check(binary, architecture, glibc)
