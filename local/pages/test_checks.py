"""Tests that the check of the pages reports each fault and nothing else: part of `make fmt`."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from pages import ROOT, checks
from pages.markdown import Page, slug

COMMON = {"--help": False, "--stack": True, "--yes": False, "-y": False}
COMMANDS = {"": COMMON, "help": COMMON, "doctor": COMMON, "recover": {**COMMON, "--held": False, "--since": True}}


class ThePages(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        (self.root / "Makefile").touch()
        for name, known in (
            ("ROOT", self.root),
            ("commands", lambda: COMMANDS),
            ("targets", lambda: {"test", "need-cargo"}),
        ):
            patch = mock.patch.object(checks, name, known)
            patch.start()
            self.addCleanup(patch.stop)
        checks.anchors.cache_clear()

    def faults(self, text: str, name: str = "docs/page.md") -> list[str]:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return [fault.removeprefix(f"{name}: ") for fault in checks.faults()]

    def test_may_link_to_files_folders_headings_and_other_sites(self) -> None:
        (self.root / "other.md").write_text("# One `two` three!\n\n## Again\n\n## Again\n", encoding="utf-8")
        links = "[a](../other.md) [b](../other.md#one-two-three) [c](../other.md#again-1) [d](../docs) [e](https://x.y/#q) ![f](#here)"
        self.assertEqual(self.faults(f"# Here\n\n{links}\n\n[g]: ../Makefile\n"), [])

    def test_with_a_broken_link_or_anchor_are_reported(self) -> None:
        (self.root / "other.md").write_text("# Title\n\n```\n# no heading\n```\n", encoding="utf-8")
        for link, leads in (
            ("missing.md", "no file"),
            ("../../outside", "no file"),
            ("../other.md#titel", "no heading"),
            ("../other.md#no-heading", "no heading"),
            ("#there", "no heading"),
            ("../Makefile#test", "no heading"),
        ):
            for text in (f"# Here\n\n[x]({link})\n", f"# Here\n\n[x]: {link}\n"):
                self.assertEqual(self.faults(text), [f"the link {link} leads to {leads}"])

    def test_may_have_broken_links_in_code(self) -> None:
        self.assertEqual(self.faults("`[x](missing.md)`\n\n```md\n[x](missing.md)\n```\n\n    [x](missing.md)\n"), [])

    def test_above_their_length_are_reported(self) -> None:
        for name, limit in (("README.md", 150), ("SECURITY.md", 200), ("docs/deep/page.md", 200)):
            self.assertEqual(self.faults("line\n" * limit, name), [])
            (fault,) = self.faults("line\n" * (limit + 1), name)
            self.assertIn(f"{limit + 1} lines, more than {limit}", fault)
            (self.root / name).unlink()
        self.assertEqual(self.faults("line\n" * 300, "CHANGELOG.md"), [])

    def test_with_an_unknown_target_are_reported(self) -> None:
        for text in (
            "`make tset`",
            "`git pull && make tset ENV=prod`",
            "```sh\n$ make tset\n```",
            "x\n\n    make tset\n",
        ):
            self.assertEqual(self.faults(text), ["`make tset`: the Makefile has no such target"])
        self.assertEqual(
            self.faults("make sure: `make test`, `make need-cargo`, `make TARGET`\n\n    make test   # && make sure\n"),
            [],
        )

    def test_with_an_unknown_command_or_option_of_jwhook_are_reported(self) -> None:
        for call, fault in (
            ("jwhook docter", "`jwhook docter`: jwhook has no such command"),
            ("./jwhook --stack NAME docter", "`jwhook docter`: jwhook has no such command"),
            ("jwhook help docter", "`jwhook docter`: jwhook has no such command"),
            ("jwhook recover --sinse 2h", "`jwhook recover --sinse`: jwhook has no such option"),
            ("jwhook doctor --held", "`jwhook doctor --held`: jwhook has no such option"),
            ("jwhook --held", "`jwhook --held`: jwhook has no such option"),
            ("jwhook recover --since=2h -z", "`jwhook recover -z`: jwhook has no such option"),
        ):
            for text in (f"`{call}`", f"```sh\n{call}   # as it says\n```"):
                self.assertEqual(self.faults(text), [fault])
        right = ("jwhook", "jwhook help COMMAND", "jwhook recover --held -y", "jwhook --stack NAME recover --since 2h | head",
                 "jwhook recover --since -2h", "cargo install --bin jwhook --locked", "src/bin/jwhook/", "jwhook-1.0.tar.gz")  # fmt: skip
        self.assertEqual(self.faults("\n".join(f"`{call}`" for call in right)), [])

    def test_with_an_option_that_no_tool_has_are_reported(self) -> None:
        self.assertEqual(self.faults("`--since`, `--since 2h`, `--env-vars`"), [])
        (fault,) = self.faults("`--sinse`")
        self.assertIn("`--sinse`: jwhook has no such option", fault)
        other, ours = "```sh\naws lambda x \\\n  --sinse 2h\n```", "```sh\njwhook recover \\\n  --sinse 2h\n```"
        self.assertEqual(self.faults(other), [])
        self.assertEqual(self.faults(ours), ["`jwhook recover --sinse`: jwhook has no such option"])

    def test_that_a_source_names_must_exist(self) -> None:
        (self.root / "template.yaml").write_text("# see docs/page.md, docs/gone.md and README.md\n", encoding="utf-8")
        self.assertEqual(
            self.faults("x"), ["template.yaml: docs/gone.md does not exist", "template.yaml: README.md does not exist"]
        )

    def test_have_githubs_anchors(self) -> None:
        for heading, anchor in (
            ("Why not thirty lines of Python?", "why-not-thirty-lines-of-python"),
            ("`jwhook` cannot reach AWS", "jwhook-cannot-reach-aws"),
            ("The secret's value", "the-secrets-value"),
            ("A [link](x.md) & *more*", "a-link--more"),
            ("snake_case – and Ärger", "snake_case--and-ärger"),
        ):
            self.assertEqual(slug(heading), anchor)
        self.assertEqual(Page("# A #\n## A\n### A\n").anchors, {"a", "a-1", "a-2"})


class Make(unittest.TestCase):
    def test_lists_at_most_15_targets_in_its_help(self) -> None:
        short, every = (
            subprocess.run(["make", "--silent", target], cwd=ROOT, check=True, capture_output=True, text=True).stdout
            for target in ("help", "help-all")
        )
        listed = [line for line in short.splitlines() if line.startswith("  ")]
        self.assertLessEqual(set(listed), set(every.splitlines()))
        self.assertIn(len(listed), range(10, 16))


if __name__ == "__main__":
    unittest.main()
