"""The AWS of `make prove`: ministack, with the changes that the project's template needs.

local/emulators/cloud.py starts this program as a separate process. Run it by hand to try a new version of ministack: it
stops with a message if the changes do not fit. docs/proof.md lists the changes for readers.
"""

import importlib.metadata
import pkgutil
import sys

FITS = "1.5.33"  # pyproject.toml pins the same version
HANDLERS = "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS"

# Each function of local/emulators/aws_changes.py: why it is there, and which members it calls or replaces.
CHANGES = {
    "give_sam_the_parameters": (
        "A parameter turns CodeDeploy off, so SAM's transform needs the parameters' values. ministack passes none.",
        "ministack.services.cloudformation.engine:_transform_parameters",
        "ministack.services.cloudformation.engine:_apply_transforms",
        "ministack.services.cloudformation.changesets:_apply_transforms",
        "ministack.services.cloudformation.handlers:_apply_transforms",
        "samtranslator.translator.transform:transform",
    ),
    "import_routes_from_the_body": (
        "SAM writes an HTTP API's routes and integrations into the OpenAPI body. ministack ignores the body.",
        f"{HANDLERS}[AWS::ApiGatewayV2::Api]",
        "ministack.services.cloudformation.provisioners:_apigw_v2._routes",
        "ministack.services.cloudformation.provisioners:_apigw_v2._integrations",
        "ministack.core.responses:new_uuid",
    ),
    "accept_alarms_on_expressions": (
        "ministack fails the stack on an alarm with an expression. No alarm goes off here, so the first metric is kept.",
        f"{HANDLERS}[AWS::CloudWatch::Alarm]",
    ),
    "generate_secrets_without_punctuation": (
        "The template asks for ExcludePunctuation. ministack knows only ExcludeCharacters.",
        "ministack.services.cloudformation.provisioners:_sm_secret_string",
    ),
    "reject_unchanged_versions": (
        "Lambda rejects a version with the code and configuration of the last one, so CloudFormation fails if the"
        " build that was rolled back is deployed again. ministack compares revision ids, which every update changes.",
        "ministack.services.cloudformation.provisioners:_lambda_svc._publish_version",
        "ministack.services.cloudformation.provisioners:_lambda_svc._functions",
        "ministack.core.responses:error_response_json",
    ),
    "accept_saved_queries": (
        "ministack has no AWS::Logs::QueryDefinition. prove/watch.py reads the queries from the template.",
        HANDLERS,
    ),
    "listen_on_one_port": ("With TLS, ministack also listens on port 443.", "ministack.app:_port_is_bindable"),
}


def misfit(installed: str) -> str | None:
    """Why the changes do not fit the installed ministack, and what to do."""
    if installed != FITS:
        return (
            f"ministack {installed} is installed, but local/emulators/aws.py changes private members of {FITS}. Run `make venv` to"
            f" install {FITS}. To use {installed}, compare each change in local/emulators/aws.py with it, set FITS and the version"
            " in pyproject.toml, and run `make prove`."
        )
    for change, (_, *members) in CHANGES.items():
        for member in members:
            if not exists(member):
                return (
                    f"ministack {installed} has no {member}, which {change} in local/emulators/aws_changes.py needs."
                    " Change or delete that function and its row in local/emulators/aws.py, then run `make prove`."
                )
    return None


def exists(member: str) -> bool:
    path, _, key = member.rstrip("]").partition("[")
    try:
        found = pkgutil.resolve_name(path)
    except (ImportError, AttributeError):
        return False
    return not key or key in found


def main() -> int:
    if reason := misfit(importlib.metadata.version("ministack")):
        sys.exit(f"error: {reason}")
    import aws_changes  # imports ministack's modules, which only a fitting version has
    import ministack.app

    for change in CHANGES:
        getattr(aws_changes, change)()
    code: int = ministack.app.main()
    return code


if __name__ == "__main__":
    sys.exit(main())
