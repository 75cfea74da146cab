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
        raise LocalError(f"local/release/{name} asks for what no release knows: {', '.join(unknown)}")
    return PLACE.sub(lambda place: values[place[1]], text)


def samconfig(revision: str, templates: dict[str, str]) -> str:
    """One environment for each template, so that a plain `sam deploy` has a Revision."""
    environments = (
        filled("samconfig.toml", ENVIRONMENT=environment, TEMPLATE=template, REVISION=revision)
        for environment, template in templates.items()
    )
    return "\n".join(["version = 0.1\n", *environments])
