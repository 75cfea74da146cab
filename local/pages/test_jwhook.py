"""Compares the options that local/pages/jwhook.py reads with the binary's: part of `make prove`, which builds jwhook."""

import re
import subprocess
import unittest

from pages.jwhook import commands
from stack import jwhook_binary

OPTION = re.compile(r"^ +(?:(-\w), )?(--[\w-]+)( <)?", re.MULTILINE)


def printed(*arguments: str) -> str:
    return subprocess.run([jwhook_binary(), *arguments], check=True, capture_output=True, text=True).stdout


class TheCommands(unittest.TestCase):
    def test_are_those_of_the_help(self) -> None:
        listed = printed("--help").split("Commands:\n")[1].split("\n\n")[0]
        self.assertEqual({name for name in commands() if name}, set(re.findall(r"^  (\w+)", listed, re.MULTILINE)))

    def test_have_the_options_of_their_help(self) -> None:
        for name, options in commands().items():
            shown: dict[str, bool] = {}
            for short, long, value in OPTION.findall(printed(*([name] if name not in ("", "help") else []), "--help")):
                shown |= {option: bool(value) for option in (short, long) if option}
            self.assertEqual(options, shown, name)


if __name__ == "__main__":
    unittest.main()
