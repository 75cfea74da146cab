"""Compares the pages with the template: each parameter, and a section for each alarm."""

import re
import unittest

from translated import ROOT, of_type, template


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


class Pages(unittest.TestCase):
    def test_pages_list_each_parameter_with_its_default(self) -> None:
        found = {}
        for names, defaults in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", page("deploy.md"), re.MULTILINE):
            found |= dict(zip(re.findall(r"\w+", names), defaults.split(", "), strict=False))
        parameters = template()["Parameters"]
        self.assertEqual(set(found), set(parameters))
        defaults = {name: str(p["Default"]) for name, p in parameters.items() if p["Default"] != ""}  # described in words
        self.assertEqual({name: found[name].strip("`") for name in defaults}, defaults)

    def test_pages_have_a_section_for_each_alarm(self) -> None:
        alarms = {name.removesuffix("Alarm") for name in of_type("AWS::CloudWatch::Alarm")}
        self.assertEqual(set(re.findall(r"^### ([A-Z]\w+)$", page("operate.md"), re.MULTILINE)), alarms)
