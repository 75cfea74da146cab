"""Tests local/commit.sh, which prints the commit of a build. The log, `jwhook --version` and the stack show this commit."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from translated import ROOT

GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost")


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # git must not use the variables that it sets for a hook, nor a repository above the folder
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


class Commit(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name, "tree")
        (self.folder / "local").mkdir(parents=True)
        for path in ("local/commit.sh", ".gitattributes"):
            shutil.copy(ROOT / path, self.folder / path)
        (self.folder / ".gitignore").write_text("/target\n")

    def committed(self) -> str:
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "first")):
            run(*GIT, *command, folder=self.folder)
        return run("git", "rev-parse", "HEAD", folder=self.folder).stdout[:9]

    def prints(self, commit: str, note: str = "", folder: Path | None = None) -> None:
        done = run("sh", "local/commit.sh", folder=folder or self.folder)
        self.assertEqual(done.stdout, f"{commit}\n")
        self.assertIn(note, done.stderr)
        self.assertEqual(bool(note), bool(done.stderr))

    def test_commit_has_nine_digits_and_ends_with_dirty_after_a_change(self) -> None:
        commit = self.committed()
        (self.folder / "target").write_text("ignored")
        self.prints(commit)
        (self.folder / "build.rs").write_text("cargo would run this file")
        self.prints(f"{commit}-dirty")
        (self.folder / "build.rs").unlink()
        (self.folder / ".gitignore").write_text("/target\n/dist\n")
        self.prints(f"{commit}-dirty")

    def test_folder_from_git_archive_knows_its_commit(self) -> None:
        commit = self.committed()
        tree = self.folder.parent / "archived"
        tree.mkdir()
        run("git", "archive", "--output", str(tree / "it.tar"), "HEAD", folder=self.folder)
        run("tar", "-xf", "it.tar", folder=tree)
        self.prints(commit, folder=tree)

    def test_folder_without_git_has_no_commit(self) -> None:
        self.prints("no-commit")

    def test_unreadable_history_gives_no_commit_and_a_note_with_gits_error(self) -> None:
        (self.folder / ".git").write_text("gitdir: /nonexistent\n")
        self.prints("no-commit", "note: the build cannot name its commit: fatal: not a git repository: /nonexistent")
