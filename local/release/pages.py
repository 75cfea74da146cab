"""Fills in the release's pages, deploy.md and samconfig.toml. A word between two @ is a placeholder, such as @VERSION@.

An unknown placeholder stops the release. Nobody runs this file.
"""

import re
from pathlib import Path

from processes import LocalError

PLACE = re.compile(r"@([A-Z_]+)@")


def filled(name: str, **values: str) -> str:
    """The page of this name with these values."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    if unknown := sorted(set(PLACE.findall(text)) - values.keys()):
        raise LocalError(f"local/release/{name} has unknown placeholders: {', '.join(unknown)}. Correct them")
    return PLACE.sub(lambda place: values[place[1]], text)


def samconfig(revision: str, environments: dict[str, tuple[str, str]]) -> str:
    """An environment for each template, so that a plain `sam deploy` has a Revision.

    It names the architecture, because sam would otherwise keep the stack's.
    """
    tables = (
        filled("samconfig.toml", ENVIRONMENT=name, TEMPLATE=template, REVISION=revision, ARCHITECTURE=architecture)
        for name, (template, architecture) in environments.items()
    )
    return "\n".join(["version = 0.1\n", *tables])
