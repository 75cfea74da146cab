"""Tests the release's templates, and that a changed template.yaml stops the release: part of `make ci`."""

import unittest
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from processes import ROOT, LocalError
from release.source import ARCHITECTURES
from release.templates import edits, released

Json = dict[str, Any]
TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")


def expected(architecture: str) -> Json:
    """The repository's template with the release's changes."""
    template: Json = yaml_parse(TEXT)
    function = template["Resources"]["Forwarder"]
    function["Properties"]["CodeUri"] = "f.zip"
    del function["Metadata"]["BuildMethod"], function["Metadata"]["BuildProperties"]
    template["Parameters"]["Architecture"] |= {"Default": architecture, "AllowedValues": [architecture]}
    return template


class ReleaseTemplate(unittest.TestCase):
    def test_release_template_differs_from_the_repositorys_only_in_the_zip(self) -> None:
        for architecture in ARCHITECTURES:
            found: Json = yaml_parse(released(TEXT, architecture, "f.zip"))
            wanted = expected(architecture)
            for name in ("Architecture", "Revision"):
                description = found["Parameters"][name].pop("Description")
                self.assertNotEqual(description, wanted["Parameters"][name].pop("Description"))
                self.assertNotRegex(description, "make deploy|sam build")
            self.assertEqual(found, wanted)

    def test_release_template_keeps_the_comments(self) -> None:
        comments = [line for line in TEXT.splitlines() if line.lstrip().startswith("#")]
        kept = [line for line in released(TEXT, "arm64", "f.zip").splitlines() if line.lstrip().startswith("#")]
        self.assertEqual(kept, comments)

    def test_edit_that_does_not_fit_exactly_once_is_an_error(self) -> None:
        for what, before, _ in edits("arm64", "f.zip"):
            for changed, times in ((TEXT.replace(before, ""), 0), (TEXT + before, 2)):
                with self.assertRaisesRegex(LocalError, f"has {what} {times} times"):
                    released(changed, "arm64", "f.zip")
