"""Tests that the check of the pages reports each fault and no correct page: part of `make fmt`."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from checks.pages import ROOT, checks
from checks.pages.markdown import Page, slug

OPTIONS = {
    "": {"--help": False, "--stack": True, "--yes": False, "-y": False},
    "help": {},
    "doctor": {},
    "recover": {"--held": False, "--since": True},
}


class CheckOfThePages(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("Makefile", "test:\nneed-cargo:\n")
        self.write("local/checks/pages/jwhook.json", json.dumps(OPTIONS))
        self.write("other.md", "# One `two` three!\n\n## Again\n\n## Again\n\n```\n# no heading\n```\n")
        patch = mock.patch.object(checks, "ROOT", self.root)
        patch.start()
        self.addCleanup(patch.stop)
        for cached in (checks.anchors, checks.commands, checks.targets):
            cached.cache_clear()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def has(self, text: str, *faults: str, name: str = "docs/page.md") -> None:
        self.write(name, text)
        self.assertEqual(list(checks.faults()), [f"{name}: {fault}" for fault in faults], text)

    def test_page_may_link_to_files_headings_and_other_sites(self) -> None:
        links = "[a](../other.md#one-two-three) [b](../other.md#again-1) [c](../docs) [d](https://x.y/#q) ![e](#here)"
        self.has(f"# Here\n\n{links}\n\n[f]: ../Makefile\n")
        self.has("`[x](missing.md)`\n\n```md\n[x](missing.md)\n```\n\n    [x](missing.md)\n")

    def test_page_with_broken_link_is_reported(self) -> None:
        for link in ("missing.md", "../.."):
            self.has(f"[x]({link})\n", f"the link {link} leads to no file")
        for link in ("../other.md#titel", "../other.md#no-heading", "#there", "../Makefile#test"):
            self.has(f"[x]: {link}\n", f"the link {link} leads to no heading")

    def test_page_above_its_limit_is_reported(self) -> None:
        advice = "shorten it, or move a part to another page"
        for name, limit in (("README.md", 150), ("SECURITY.md", 200), ("docs/deep/page.md", 200)):
            self.has("line\n" * (limit + 1), f"the page has {limit + 1} lines, more than {limit}: {advice}", name=name)
            self.has("line\n" * limit, name=name)
        self.has("line\n" * 300, name="CHANGELOG.md")

    def test_page_with_unknown_target_is_reported(self) -> None:
        for code in (
            "`make tset`",
            "`git pull && make tset ENV=prod`",
            "```sh\n$ make tset\n```",
            "x\n\n    git pull\n    make tset\n",
        ):
            self.has(code, "`make tset`: the Makefile has no such target")
        self.has("make sure: `make test`, `make need-cargo`, `make TARGET`\n\n    make test   # && make sure\n")

    def test_page_with_unknown_command_or_option_of_jwhook_is_reported(self) -> None:
        for call, unknown in (
            ("jwhook docter", "`jwhook docter`: jwhook has no such command"),
            ("./jwhook --stack NAME docter", "`jwhook docter`: jwhook has no such command"),
            ("jwhook help docter", "`jwhook docter`: jwhook has no such command"),
            ("jwhook recover --sinse 2h", "`jwhook recover --sinse`: jwhook has no such option"),
            ("jwhook doctor --held", "`jwhook doctor --held`: jwhook has no such option"),
            ("jwhook --held", "`jwhook --held`: jwhook has no such option"),
            ("jwhook recover --since=2h -z", "`jwhook recover -z`: jwhook has no such option"),
        ):
            self.has(f"`{call}`", unknown)
            self.has(f"```sh\n{call}   # a comment\n```", unknown)
        for call in (
            "jwhook", "jwhook help COMMAND", "jwhook recover --held -y", "jwhook --stack NAME recover --since 2h | head",
            "jwhook recover --since -2h", "cargo install --bin jwhook --locked", "src/bin/jwhook/", "jwhook-1.0.tar.gz",
        ):  # fmt: skip
            self.has(f"`{call}`")

    def test_page_with_unknown_option_is_reported(self) -> None:
        self.has("`--since`, `--since 2h`, `--env-vars`")
        advice = "If another tool has it, add it to local/checks/pages/checks.py"
        self.has("`--sinse`", f"`--sinse`: jwhook has no such option. {advice}")
        self.has("```sh\naws lambda x \\\n  --sinse 2h\n```")
        self.has("```sh\njwhook recover \\\n  --sinse 2h\n```", "`jwhook recover --sinse`: jwhook has no such option")

    def test_source_that_names_a_missing_page_is_reported(self) -> None:
        self.write("docs/page.md", "")
        self.has("# see docs/page.md, docs/gone.md", "docs/gone.md does not exist", name="template.yaml")

    def test_headings_have_the_anchors_that_github_creates(self) -> None:
        for heading, anchor in (
            ("Why not thirty lines of Python?", "why-not-thirty-lines-of-python"),
            ("`jwhook` cannot reach AWS", "jwhook-cannot-reach-aws"),
            ("A [link](x.md) & *more*", "a-link--more"),
            ("snake_case – and Ärger", "snake_case--and-ärger"),
        ):
            self.assertEqual(slug(heading), anchor)
        self.assertEqual(Page("# A #\n## A\n### A\n").anchors, {"a", "a-1", "a-2"})


class Make(unittest.TestCase):
    def test_help_lists_at_most_15_targets(self) -> None:
        short, every = (
            subprocess.run(["make", "--silent", target], cwd=ROOT, check=True, capture_output=True, text=True).stdout
            for target in ("help", "help-all")
        )
        listed = [line for line in short.splitlines() if line.startswith("  ")]
        self.assertLessEqual(set(listed), set(every.splitlines()))
        self.assertIn(len(listed), range(10, 16))
