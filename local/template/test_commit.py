"""What local/commit.sh prints, which names a build in its log, its --version and its stack."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from translated import ROOT

GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
SCRIPT = Path("local", "commit.sh")


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # without the variables that git sets for a hook, and with no repository above the folder
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def printed(folder: Path) -> tuple[str, str]:
    done = run("sh", str(SCRIPT), folder=folder)
    assert done.returncode == 0, done
    return done.stdout, done.stderr


class TheCommit(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name, "tree")
        (self.folder / "local").mkdir(parents=True)
        for path in (SCRIPT, Path(".gitattributes")):
            shutil.copy(ROOT / path, self.folder / path)
        (self.folder / ".gitignore").write_text("/target\n")

    def committed(self) -> str:
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "first")):
            self.assertEqual(run(*GIT, *command, folder=self.folder).returncode, 0)
        return run("git", "rev-parse", "HEAD", folder=self.folder).stdout[:9]

    def test_has_nine_digits_and_says_that_a_file_was_changed_since(self) -> None:
        commit = self.committed()
        (self.folder / "target").write_text("ignored")
        self.assertEqual(printed(self.folder), (f"{commit}\n", ""))
        (self.folder / "build.rs").write_text("cargo would take it")
        self.assertEqual(printed(self.folder), (f"{commit}-dirty\n", ""))
        (self.folder / "build.rs").unlink()
        (self.folder / ".gitignore").write_text("/target\n/dist\n")
        self.assertEqual(printed(self.folder), (f"{commit}-dirty\n", ""))

    def test_is_in_an_archive_of_it(self) -> None:
        commit = self.committed()
        tree = self.folder.parent / "archived"
        tree.mkdir()
        run("git", "archive", "--output", str(tree / "it.tar"), "HEAD", folder=self.folder)
        run("tar", "-xf", "it.tar", folder=tree)
        self.assertEqual(printed(tree), (f"{commit}\n", ""))

    def test_is_none_where_there_is_no_history(self) -> None:
        self.assertEqual(printed(self.folder), ("no-commit\n", ""))

    def test_is_none_where_git_cannot_read_the_history_and_git_says_why(self) -> None:
        (self.folder / ".git").write_text("gitdir: /nonexistent\n")
        commit, note = printed(self.folder)
        self.assertEqual(commit, "no-commit\n")
        self.assertIn("note: the build cannot name its commit: fatal: not a git repository: /nonexistent", note)


if __name__ == "__main__":
    unittest.main()
