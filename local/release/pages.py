"""The release's own pages, from the texts beside this file: deploy.md and samconfig.toml.

A word between two @ stands for what only the release knows. One that no release knows ends the release: a page that
tells somebody to run `jwhook-@VERSION@` is worse than none.
"""

import re
from pathlib import Path

from processes import LocalError

PLACE = re.compile(r"@([A-Z_]+)@")


def filled(name: str, **values: str) -> str:
    """The page of this name, with these values in their places."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    if unknown := sorted(set(PLACE.findall(text)) - values.keys()):
        raise LocalError(f"local/release/{name} has a placeholder that no release fills in: {', '.join(unknown)}")
    return PLACE.sub(lambda place: values[place[1]], text)


def samconfig(revision: str, environments: dict[str, tuple[str, str]]) -> str:
    """One environment for each template and its architecture, so that a plain `sam deploy` has a Revision.

    The architecture is said too: without it, sam would keep the one that the stack has.
    """
    tables = (
        filled("samconfig.toml", ENVIRONMENT=name, TEMPLATE=template, REVISION=revision, ARCHITECTURE=architecture)
        for name, (template, architecture) in environments.items()
    )
    return "\n".join(["version = 0.1\n", *tables])
