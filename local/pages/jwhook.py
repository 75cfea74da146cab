"""Reads jwhook's commands and options from its clap definitions in src/bin/jwhook/. Nobody runs this file.

It reads the source, because `make fmt` must not wait for a build of jwhook. `make prove` compares the result with the
output of `jwhook --help`.
"""

import re
from pathlib import Path

from pages import ROOT
from processes import LocalError

SOURCE = ROOT / "src" / "bin" / "jwhook"
ENUM = re.compile(r"^pub enum Command \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
VARIANT = re.compile(r"^    ([A-Z]\w*)(?:\((?:(\w+)::)?(\w+)\))?,", re.MULTILINE)
ARGUMENTS = re.compile(
    r"^#\[derive\([^)]*\bArgs\b[^)]*\)\]\n(?:#\[.*?\]\n)*pub struct (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
MEMBER = re.compile(r"((?:^    #\[.*?\]\n)*)^    (?:pub )?(\w+): ([^\n]+),\n", re.MULTILINE | re.DOTALL)


OF_CLAP = {"--help": False, "-h": False, "--version": False, "-V": False}

Options = dict[str, bool]  # an option's name, and whether a value follows it


def commands() -> dict[str, Options]:
    """Each command with all its options. "" has the options that every command has."""
    listed = ENUM.search(text(SOURCE / "cli.rs"))
    variants = VARIANT.findall(listed[1]) if listed else []
    if not variants:
        raise unreadable("the commands in `pub enum Command`")
    common = {**OF_CLAP, **options("options", "Options")}
    found = {"": common, "help": common}
    for variant, module, structure in variants:
        found[kebab(variant)] = {**common, **(options(module, structure) if structure else {})}
    return found


def options(module: str, structure: str) -> Options:
    """The options of a struct that derives Args, with those of its flattened structs."""
    members, others = struct(module, structure)
    found: Options = {}
    for attributes, name, kind in MEMBER.findall(members):
        *path, last = kind.split("::")
        if "#[command(flatten)]" in attributes:
            found |= options(path[-1] if path else module if last in others else "", last)
        argument = re.sub(r'(?<!long = )"[^"]*"', '""', attributes)  # a help text may have the word "long"
        if long := re.search(r'\blong\b(?: = "([\w-]+)")?', argument):
            found[f"--{long[1] or kebab(name)}"] = kind != "bool"
        if re.search(r"\bshort\b", argument):
            found[f"-{name[0]}"] = kind != "bool"
    return found


def struct(module: str, name: str) -> tuple[str, dict[str, str]]:
    """The members of a struct, and the structs of its file. Without a module, the name must be unique."""
    files = [
        path for path in SOURCE.rglob("*.rs") if module in ("", path.parent.name if path.stem == "mod" else path.stem)
    ]
    found = [structs for path in files if name in (structs := dict(ARGUMENTS.findall(text(path))))]
    if len(found) != 1:
        raise unreadable(f"one struct {f'{module}::' if module else ''}{name} that derives Args, but {len(found)}")
    return found[0][name], found[0]


def kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def unreadable(what: str) -> LocalError:
    return LocalError(f"src/bin/jwhook/ does not have {what}. Adapt local/pages/jwhook.py to the clap definitions")
