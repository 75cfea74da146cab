"""Whether the pages have what the template has: each parameter, and a section for each alarm."""

import re
import unittest

from translated import ROOT, of_type, template


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


class ThePages(unittest.TestCase):
    def test_have_each_parameter_with_its_default(self) -> None:
        rows = dict(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", page("deploy.md"), re.MULTILINE))
        found = {}
        for names, defaults in rows.items():
            found |= dict(zip(re.findall(r"\w+", names), defaults.split(", "), strict=False))
        self.assertEqual(set(found), set(template()["Parameters"]))
        for name, parameter in template()["Parameters"].items():
            if parameter["Default"] != "":  # in words otherwise
                self.assertEqual(found[name].strip("`"), str(parameter["Default"]), name)

    def test_have_a_section_for_each_alarm(self) -> None:
        alarms = {name.removesuffix("Alarm") for name in of_type("AWS::CloudWatch::Alarm")}
        self.assertEqual(set(re.findall(r"^### ([A-Z]\w+)$", page("operate.md"), re.MULTILINE)), alarms)


if __name__ == "__main__":
    unittest.main()
