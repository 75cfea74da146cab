"""Makes a release's templates: template.yaml with the zip of one architecture instead of a build. package.py imports it.

A parameter cannot choose the zip: `sam deploy` uploads a CodeUri only if it is a path, and SAM's transform rejects
Fn::If and Fn::FindInMap there. So each architecture has its own template. Its parameter Architecture allows only this
architecture, so that the zip fits the function. The edits change the text, to keep the comments. If template.yaml does
not have an edit's text exactly once, the release stops.
"""

from processes import LocalError

Edit = tuple[str, str, str]


def edits(architecture: str, code: str) -> list[Edit]:
    """Each edit: its subject, the text before and the text after."""
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
            "    Description: arm64 costs 20 % less. sam build needs the Rust target for arm64.\n",
            f"    Default: {architecture}\n    AllowedValues: [{architecture}]\n"
            f"    Description: The release has a template for each architecture. This one is for {architecture}.\n",
        ),
        (
            "the description of the parameter Revision",
            "Commit and time of the build. make deploy sets it,",
            "Commit and version of the build. samconfig.toml sets them,",
        ),
    ]


def released(text: str, architecture: str, code: str) -> str:
    """The template that deploys the zip `code` for this architecture."""
    for what, before, after in edits(architecture, code):
        if (times := text.count(before)) != 1:
            raise LocalError(
                f"template.yaml has {what} {times} times in the expected form, not once. "
                f"Correct edits() in local/release/templates.py. Expected:\n{before}"
            )
        text = text.replace(before, after)
    return text
