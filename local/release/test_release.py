"""Tests a release's files and its verification, with shell scripts as binaries: part of `make ci`."""

import hashlib
import io
import re
import tarfile
import tempfile
import unittest
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from samtranslator.yaml_helper import yaml_parse

from processes import ROOT, LocalError, tomllib
from release import package, source, verify
from release.source import Source

SOURCE = Source("1.2.3", "012345678", ("arm64", "x86_64"), {"rustc": "1.0", "zig": "2.0"})
PRINTS = '#!/bin/sh\necho "$@"\n'


@contextmanager
def release(of: Source = SOURCE, forwarder: str = "elf") -> Iterator[Path]:
    """Writes a release whose binaries are shell scripts."""
    with tempfile.TemporaryDirectory() as folder:

        def built(architecture: str, binary: str) -> Path:
            path = Path(folder, f"{binary}-{architecture}")
            path.write_text(PRINTS if binary == "jwhook" else forwarder + architecture)
            path.chmod(0o755)
            return path

        with mock.patch.multiple(package, built=built, bill_of_materials=lambda name: f"bill of {name}".encode()):
            package.write(Path(folder, "dist"), of)
        yield Path(folder, "dist")


class Release(unittest.TestCase):
    def test_release_has_exactly_the_files_in_sha256sums(self) -> None:
        with release() as folder:
            listed = verify.sums((folder / "SHA256SUMS").read_text())
            there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
            del there["SHA256SUMS"]
            self.assertEqual(listed, there)
            self.assertEqual(sorted(listed), [
                "LICENSE", "build.toml", "deploy.md", "forwarder-1.2.3-arm64.cdx.json", "forwarder-1.2.3-arm64.zip",
                "forwarder-1.2.3-x86_64.cdx.json", "forwarder-1.2.3-x86_64.zip", "jwhook-1.2.3-linux-arm64.tar.gz",
                "jwhook-1.2.3-linux-x86_64.tar.gz", "samconfig.toml", "template-x86_64.yaml", "template.yaml",
            ])  # fmt: skip

    def test_release_has_an_environment_template_and_binary_for_each_architecture(self) -> None:
        with release() as folder:
            config = tomllib.loads((folder / "samconfig.toml").read_text())
            deployed = {}
            for environment in ("default", "x86_64"):
                template = yaml_parse((folder / config[environment]["deploy"]["parameters"]["template_file"]).read_text())
                with zipfile.ZipFile(folder / template["Resources"]["Forwarder"]["Properties"]["CodeUri"]) as code:
                    deployed[environment] = (template["Parameters"]["Architecture"]["Default"], code.read("bootstrap"))
                given = config[environment]["global"]["parameters"]["parameter_overrides"]
                chosen = "arm64" if environment == "default" else environment
                self.assertEqual(given, ["Revision=012345678-1.2.3", f"Architecture={chosen}"])
            self.assertEqual(deployed, {"default": ("arm64", b"elfarm64"), "x86_64": ("x86_64", b"elfx86_64")})

    def test_release_has_jwhook_with_its_manual_page_and_completions(self) -> None:
        with release() as folder:
            packed = io.BytesIO((folder / "jwhook-1.2.3-linux-arm64.tar.gz").read_bytes())
        with tarfile.open(fileobj=packed) as archive:
            names = [name.removeprefix("jwhook-1.2.3-linux-arm64/") for name in archive.getnames()]
            page = archive.extractfile("jwhook-1.2.3-linux-arm64/man/man1/jwhook.1")
            assert page
            self.assertEqual(page.read(), b"man\n")
        completions = ["completions/jwhook.bash", "completions/_jwhook", "completions/jwhook.fish"]
        self.assertEqual(names, ["jwhook", *completions, "man/man1/jwhook.1", "LICENSE"])

    def test_checksums_change_with_a_binary_but_not_with_the_folder(self) -> None:
        with release() as one, release() as other, release(forwarder="changed") as changed:
            sums = [verify.sums((folder / "SHA256SUMS").read_text()) for folder in (one, other, changed)]
        self.assertEqual(sums[0], sums[1])
        differ = verify.differences(sums[0], sums[2])
        self.assertEqual([line.split(":")[0] for line in differ], ["forwarder-1.2.3-arm64.zip", "forwarder-1.2.3-x86_64.zip"])

    def test_release_has_each_file_that_deploy_md_names(self) -> None:
        with release() as folder:
            page = (folder / "deploy.md").read_text()
            named = re.findall(r"\b(?:jwhook|forwarder)-[\w.-]+\.(?:tar\.gz|zip)", page)
            self.assertEqual([name for name in named if not (folder / name).exists()], [])
            self.assertTrue(named)
            self.assertIn("--config-env x86_64", page)

    def test_placeholder_without_a_value_is_an_error(self) -> None:
        with self.assertRaisesRegex(KeyError, "VERSION"):
            package.filled("deploy.md", ARCHITECTURES="both")

    def test_failed_build_or_invalid_binary_stops_the_release(self) -> None:
        for script, error in (
            ("echo noise; echo $PWD/LICENSE", "readelf cannot read .*/LICENSE"),
            ("echo $PWD/LICENSE; exit 1", "did not build forwarder for arm64"),
        ):
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "local", "release").mkdir(parents=True)
                Path(folder, "local", "release", "build.sh").write_text(script)
                with (
                    mock.patch.object(package, "ROOT", Path(folder)),
                    mock.patch("builtins.print"),
                    self.assertRaisesRegex(LocalError, error),
                ):
                    package.built("arm64", "forwarder")


class BuildToml(unittest.TestCase):
    def test_build_toml_is_read_as_written(self) -> None:
        self.assertEqual(source.read(SOURCE.text()), SOURCE)
        with self.assertRaisesRegex(LocalError, "KeyError.*Download the release again"):
            source.read('version = "1.2.3"\n')

    def test_template_accepts_the_revision_of_a_release(self) -> None:
        pattern = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]["Revision"]["AllowedPattern"]
        for commit, revision in ((SOURCE.commit, "012345678-10.20.30"), (SOURCE.commit + "-dirty", "012345678-dirty-10.20.30")):
            found = Source("10.20.30", commit, ("arm64",), {}).revision
            self.assertEqual(found, revision)
            self.assertRegex(found, pattern)

    def test_architecture_that_lambda_does_not_have_is_rejected(self) -> None:
        for architectures, message in (((), "ARCHS is empty"), (("arm64", "riscv"), "no architecture riscv")):
            with self.assertRaisesRegex(LocalError, message):
                source.here(architectures)


class Verification(unittest.TestCase):
    def test_build_toml_with_a_wrong_checksum_is_rejected(self) -> None:
        with release() as folder:
            claim, listed = verify.claimed(folder / "SHA256SUMS")
            self.assertEqual((claim, len(listed)), (SOURCE, 12))
            (folder / "build.toml").write_text(SOURCE.text().replace("1.0", "1.1"))
            with self.assertRaisesRegex(LocalError, "build.toml does not have the checksum in .*SHA256SUMS"):
                verify.claimed(folder / "SHA256SUMS")
            (folder / "build.toml").unlink()
            with self.assertRaisesRegex(LocalError, "cannot read .*build.toml. Set SUMS to"):
                verify.claimed(folder / "SHA256SUMS")

    def test_another_commit_or_compiler_is_rejected(self) -> None:
        verify.refuse_another_source(SOURCE, SOURCE)
        other, archs = "f" * 9, SOURCE.architectures
        for ours, message in (
            (Source("9.9.9", SOURCE.commit, archs, SOURCE.toolchain), "says version 1.2.3, but its commit is version 9.9.9"),
            (Source("1.2.3", other, archs, SOURCE.toolchain), f"git checkout {SOURCE.commit}"),
            (Source("1.2.3", SOURCE.commit + "-dirty", archs, SOURCE.toolchain), "a clone without changes"),
            (Source("1.2.3", SOURCE.commit, archs, {"rustc": "1.1", "zig": "2.0"}), "rustc 1.0, but this machine has 1.1"),
            (Source("1.2.3", SOURCE.commit, archs, {"rustc": "1.0"}), "zig 2.0, but this machine has none"),
        ):
            with self.assertRaisesRegex(LocalError, re.escape(message)):
                verify.refuse_another_source(SOURCE, ours)
        for commit in (SOURCE.commit + "-dirty", "no-commit"):
            unknown = Source("1.2.3", commit, archs, SOURCE.toolchain)
            with self.assertRaisesRegex(LocalError, "cannot be verified"):
                verify.refuse_another_source(unknown, unknown)

    def test_each_file_that_differs_is_named(self) -> None:
        found = verify.differences({"same": "1", "gone": "2", "other": "3"}, {"same": "1", "new": "2", "other": "4"})
        self.assertEqual(found, [
            "new: missing in the release", "gone: not built from the commit", "other: 3 in the release, 4 built here",
        ])  # fmt: skip

    def test_malformed_list_of_checksums_is_rejected(self) -> None:
        for text in ("", "not a sum\n", f"{'0' * 64}  good\n{'0' * 63}  short\n"):
            with self.assertRaisesRegex(LocalError, "not a list of checksums"):
                verify.sums(text)
