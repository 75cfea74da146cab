"""Finds broken links and anchors, too long pages, and commands that do not exist. Other modules import this file."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from checks.pages import ROOT
from checks.pages.markdown import Page

PAGES = ("*.md", "docs/**/*.md", "examples/**/*.md", "local/**/*.md")
LENGTHS = {"README.md": 150, "SECURITY.md": 200, "docs/": 200}
# Other files that name pages, for example docs/deploy.md. They write a page's path from the root.
SOURCES = (
    "Makefile",
    "*.yaml",
    "*.toml",
    "local/**/*.py",
    "local/**/*.sh",
    "examples/**/*.sh",
    "examples/**/*.yaml",
)
NAMED = re.compile(r"(?<![\w./-])((?:docs/[\w./-]+|README|SECURITY|CONTRIBUTING|CHANGELOG)\.(?:md|json|svg))\b")
OURS = "local/checks/pages/"  # not checked, because the tests there name missing pages
# Options of other tools that a page names without the tool's name.
OTHERS = {
    "--beta-features": "sam build",
    "--binary-path": "cargo lambda deploy",
    "--config-env": "sam",
    "--data-file": "cargo lambda invoke",
    "--enable-function-url": "cargo lambda deploy",
    "--env-vars": "sam local",
    "--ignore-missing": "sha256sum",
    "--locked": "cargo",
    "--parameter-overrides": "sam",
    "--stack-name": "sam",
}
COMMENT = re.compile(r"\s#\s.*")
BETWEEN_COMMANDS = re.compile(r"&&|[|;>]|\)\s")
MAKE = re.compile(r"make ([a-z][a-z0-9-]*)")
JWHOOK = re.compile(r"(?<!--bin )(?<![\w-])jwhook((?:\s+\S+)*)")


def faults() -> Iterator[str]:
    """Each fault, with the name of its page."""
    named = {path.relative_to(ROOT).as_posix(): path for pattern in PAGES for path in ROOT.glob(pattern)}
    for name, path in sorted(named.items()):
        page = Page(path.read_text(encoding="utf-8"))
        for fault in (*too_long(name, page), *dead_links(path, page), *dead_commands(page)):
            yield f"{name}: {fault}"
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        for found in () if name.startswith(OURS) else NAMED.findall(path.read_text(encoding="utf-8")):
            if not (ROOT / found).is_file():
                yield f"{name}: {found} does not exist"


def too_long(name: str, page: Page) -> Iterator[str]:
    limit = next((limit for beginning, limit in LENGTHS.items() if name.startswith(beginning)), None)
    if limit and page.length > limit:
        yield f"the page has {page.length} lines, more than {limit}: shorten it, or move a part to another page"


def dead_links(path: Path, page: Page) -> Iterator[str]:
    for link in page.links:
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue  # another site
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or not target.is_relative_to(ROOT):
            yield f"the link {link} leads to no file"
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
            yield f"the link {link} leads to no heading"


@cache
def anchors(path: Path) -> set[str]:
    return Page(path.read_text(encoding="utf-8")).anchors


def dead_commands(page: Page) -> Iterator[str]:
    every = {option for options in commands().values() for option in options}
    for span in page.spans:
        option = re.match(r"--[a-z][\w-]*", span)
        if option and option[0] not in every and option[0] not in OTHERS:
            yield f"`{option[0]}`: jwhook has no such option. If another tool has it, add it to local/checks/pages/checks.py"
    code = [part for line in (*page.spans, *page.code) for part in BETWEEN_COMMANDS.split(COMMENT.sub("", line))]
    for command in (part.strip().removeprefix("$ ") for part in code):
        target = MAKE.match(command)
        if target and target[1] not in targets():
            yield f"`make {target[1]}`: the Makefile has no such target"
        for call in JWHOOK.findall(command):
            yield from dead_call(call.split())


def dead_call(words: list[str]) -> Iterator[str]:
    """A fault for an unknown command or for each unknown option. A word in capitals is a placeholder."""
    command, is_value = "", False
    for word in words:
        option = word.split("=")[0]
        if is_value:
            is_value = False
        elif not word.startswith("-"):
            if command in ("", "help") and not word.isupper():
                command = word
            if command not in commands():
                yield f"`jwhook {command}`: jwhook has no such command"
                return
        elif option not in commands()[command]:
            yield f"`{' '.join(filter(None, ('jwhook', command, option)))}`: jwhook has no such option"
        else:
            is_value = "=" not in word and commands()[command][option]


@cache
def commands() -> dict[str, dict[str, bool]]:
    """The options of each command, with True if a value follows the option. "" stands for jwhook without a command.

    A test in src/bin/jwhook/cli.rs compares jwhook.json with jwhook.
    """
    own = json.loads((ROOT / "local/checks/pages/jwhook.json").read_text(encoding="utf-8"))
    return {name: own[""] | options for name, options in own.items()}


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
