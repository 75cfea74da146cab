"""ministack, with what it lacks to take this project's template as AWS takes it.

Exists because seven things of ministack 1.5.33 stand between the real `sam deploy` and this machine: SAM's transform
gets none of the parameters' values, the routes in an HTTP API's OpenAPI body are dropped, an alarm on an expression
fails the stack, a generated secret has punctuation that was not asked for, a version that equals the last one is
published if the function was updated in between, it knows no saved queries, and with TLS it takes port 443 as well.
Everything else is ministack as it is. `local/cloud.py` starts this as a process of its own.
"""

import contextvars
import json
import string
import sys
from typing import Any

import ministack.app
from ministack.core.responses import error_response_json, new_uuid
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from samtranslator.translator import transform as sam

Json = dict[str, Any]

_parameters: contextvars.ContextVar[Json] = contextvars.ContextVar("parameters")


def give_sam_the_parameters() -> None:
    """AWS tells SAM's transform what the parameters' values are: it is how a parameter turns CodeDeploy off."""
    apply_transforms, transform = engine._apply_transforms, sam.transform

    def with_parameters(template: Json, provided: Any = None, previous: Any = None) -> Json:
        _parameters.set(engine._transform_parameters(template, provided, previous))
        result: Json = apply_transforms(template, provided, previous)
        return result

    def with_their_values(template: Json, _: Json, *rest: Any) -> Json:
        result: Json = transform(template, _parameters.get(), *rest)
        return result

    for module in (engine, changesets, handlers):
        if hasattr(module, "_apply_transforms"):
            module._apply_transforms = with_parameters
    sam.transform = with_their_values


def take_routes_from_the_body() -> None:
    """SAM's HttpApi has its routes and integrations in the OpenAPI body, as AWS imports them."""
    api = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = api["create"], api["update"]

    def create_with_routes(logical_id: str, properties: Json, stack_name: str) -> Any:
        result = create(logical_id, properties, stack_name)
        import_routes(result[0], properties)
        return result

    def update_with_routes(physical_id: str, old: Json, new: Json, *rest: Any, **named: Any) -> Any:
        result = update(physical_id, old, new, *rest, **named)
        import_routes(physical_id, new)
        return result

    api["create"], api["update"] = create_with_routes, update_with_routes


def import_routes(api_id: str, properties: Json) -> None:
    routes, integrations = {}, {}
    for path, operations in properties["Body"]["paths"].items():
        for method, operation in operations.items():
            integration = operation["x-amazon-apigateway-integration"]
            integration_id, route_id = new_uuid()[:8], new_uuid()[:8]
            integrations[integration_id] = {
                "integrationId": integration_id,
                "integrationType": integration["type"].upper(),
                "integrationUri": integration["uri"],
                "payloadFormatVersion": integration["payloadFormatVersion"],
            }
            routes[route_id] = {
                "routeId": route_id,
                "routeKey": f"{method.upper()} {path}",
                "target": f"integrations/{integration_id}",
                "authorizationType": "NONE",
            }
    provisioners._apigw_v2._routes[api_id] = routes
    provisioners._apigw_v2._integrations[api_id] = integrations


def record_alarms_on_expressions() -> None:
    """No alarm ever goes off here; one on an expression is kept as if it were on the first metric in it."""
    alarm = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]

    def on_first_metric(handle: Any) -> Any:
        def handle_first_metric(*arguments: Any, **named: Any) -> Any:
            return handle(*map(without_expression, arguments), **named)

        return handle_first_metric

    alarm["create"], alarm["update"] = on_first_metric(alarm["create"]), on_first_metric(alarm["update"])


def without_expression(argument: Any) -> Any:
    if not isinstance(argument, dict) or "Metrics" not in argument:
        return argument
    metric = argument["Metrics"][0]["MetricStat"]["Metric"]
    return {**{name: value for name, value in argument.items() if name != "Metrics"}, **metric}


def generate_secrets_without_punctuation() -> None:
    """It knows ExcludeCharacters, but not ExcludePunctuation, which the template asks for."""
    generate = provisioners._sm_secret_string

    def generate_as_asked(properties: Json, *rest: Any, **named: Any) -> Any:
        asked = properties.get("GenerateSecretString")
        if asked and asked.get("ExcludePunctuation"):
            excluded = {**asked, "ExcludeCharacters": string.punctuation}
            properties = {**properties, "GenerateSecretString": excluded}
        return generate(properties, *rest, **named)

    provisioners._sm_secret_string = generate_as_asked


def publish_no_version_twice() -> None:
    """It compares revision ids, which each update changes. Lambda compares code and configuration: after a rollback,
    CloudFormation fails on the build that was rolled back ("A version for this Lambda function exists")."""
    lambda_svc = provisioners._lambda_svc
    publish, published = lambda_svc._publish_version, {}

    def publish_what_is_new(name: str, data: Json) -> Any:
        function = lambda_svc._functions.get(name, {"config": {}})
        own = {n: v for n, v in function["config"].items() if n not in ("RevisionId", "LastModified")}
        if published.get(name) == (content := json.dumps(own, sort_keys=True, default=str)):
            message = "A version for this Lambda function exists. Modify the function to create a new version."
            return error_response_json("ResourceConflictException", message, 409)
        published[name] = content
        return publish(name, data)

    lambda_svc._publish_version = publish_what_is_new


def take_saved_queries() -> None:
    """Nobody runs them here: prove_watch.py reads them in the template."""
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": lambda *_: (new_uuid(), {}),
        "update": lambda physical_id, *_, **__: (physical_id, {}),
        "delete": lambda *_: None,
    }


def keep_to_one_port() -> None:
    ministack.app._port_is_bindable = lambda *_: False


if __name__ == "__main__":
    give_sam_the_parameters()
    take_routes_from_the_body()
    record_alarms_on_expressions()
    generate_secrets_without_punctuation()
    publish_no_version_twice()
    take_saved_queries()
    keep_to_one_port()
    sys.exit(ministack.app.main())
