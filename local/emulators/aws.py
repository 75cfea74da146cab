"""The AWS of `make prove`: ministack, with the changes that the project's template needs.

local/emulators/cloud.py starts this program as a separate process. To try a new version of ministack, run
`PYTHONPATH=local .venv/bin/python -m emulators.aws`: if the changes do not fit, it prints the reason.
"""

import importlib.metadata
import sys

FITS = "1.5.33"  # pyproject.toml pins the same version

# Each function of local/emulators/aws_changes.py, and the reason for its change.
CHANGES = {
    "give_sam_the_parameters":
        "A parameter turns CodeDeploy off, so SAM's transform needs the parameters' values. ministack passes none.",
    "import_routes_from_the_body":
        "SAM writes an HTTP API's routes and integrations into the OpenAPI body. ministack ignores the body.",
    "accept_alarms_on_expressions":
        "ministack rejects an alarm on an expression. No alarm goes off here, so the alarm gets only its first metric.",
    "generate_secrets_without_punctuation":
        "The template asks for ExcludePunctuation. ministack knows only ExcludeCharacters.",
    "reject_unchanged_versions":
        "Lambda rejects a version whose code and configuration equal the last version's, so CloudFormation fails if a"
        " rolled-back build is deployed again. ministack compares revision ids, which every update changes.",
    "accept_saved_queries":
        "ministack has no AWS::Logs::QueryDefinition. prove/watch.py reads the queries from the template.",
    "listen_on_one_port":
        "With TLS, ministack also listens on port 443.",
}  # fmt: skip


def change() -> str | None:
    """Makes the changes. If they do not fit the installed ministack, returns the reason and what to do."""
    installed = importlib.metadata.version("ministack")
    if installed != FITS:
        return (
            f"ministack {installed} is installed, but local/emulators/aws.py changes private members of {FITS}. Run `make venv` to"
            f" install {FITS}. To use {installed}, compare each change in local/emulators/aws.py with it, set FITS and the version"
            " in pyproject.toml, and run `make prove`."
        )
    from emulators import aws_changes  # imports ministack's modules, which only a fitting version has

    for name in CHANGES:
        try:
            getattr(aws_changes, name)()
        except (AttributeError, KeyError) as error:
            return (
                f"ministack {installed} has no member for {name} in local/emulators/aws_changes.py: {error!r}."
                " Change or delete that function and its row in local/emulators/aws.py, then run `make prove`."
            )
    return None


def main() -> int:
    if reason := change():
        sys.exit(f"error: {reason}")
    import ministack.app

    code: int = ministack.app.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
