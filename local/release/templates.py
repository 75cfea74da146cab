"""The template of a release: template.yaml, with an architecture's zip in the place of the build.

Exists because a parameter cannot choose the zip. `sam deploy` uploads a CodeUri that is a path and leaves one with
Fn::If or Fn::FindInMap as it is, without uploading anything, and SAM's transform then rejects it. So a release has one
template for each architecture, whose parameter Architecture allows this architecture only: a stack of the other
architecture cannot get a zip that does not start.

The text is edited, so that its comments stay. An edit that does not fit in exactly one place ends the release.
"""

from processes import LocalError

Edit = tuple[str, str, str]


def edits(architecture: str, code: str) -> list[Edit]:
    """What is changed, the text before, and the text after."""
    return [
        ("the function's CodeUri", "      CodeUri: .\n", f"      CodeUri: {code}\n"),
        (
            "the function's build",
            "      BuildMethod: rust-cargolambda\n      BuildProperties:\n        Binary: forwarder\n",
            "",
        ),
        (
            "the parameter Architecture",
            "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n"
            "    Description: arm64 costs a fifth less. sam build needs its Rust target.\n",
            f"    Default: {architecture}\n    AllowedValues: [{architecture}]\n"
            f"    Description: The release has a template for each architecture. This one is for {architecture}.\n",
        ),
        (
            "the description of the parameter Revision",
            "Commit and time, which make deploy sets;",
            "Commit and version, which samconfig.toml sets;",
        ),
    ]


def released(text: str, architecture: str, code: str) -> str:
    """The template for this architecture, which deploys the zip `code` beside it."""
    for what, before, after in edits(architecture, code):
        if (times := text.count(before)) != 1:
            raise LocalError(
                f"template.yaml has {what} {times} times as the release expects it, not once: make edits() in "
                f"local/release/templates.py fit the template. Expected:\n{before}"
            )
        text = text.replace(before, after)
    return text
