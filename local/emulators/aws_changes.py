"""The functions that change ministack. local/emulators/aws.py calls each, and its table CHANGES has the reasons.

Other modules import this file. Change it together with that table.
"""

import contextvars
import json
import string
from typing import Any

import ministack.app
from ministack.core.responses import error_response_json, new_uuid
from ministack.services.cloudformation import changesets, engine, handlers, provisioners
from samtranslator.translator import transform as sam

Json = dict[str, Any]

_parameters: contextvars.ContextVar[Json] = contextvars.ContextVar("parameters")


def give_sam_the_parameters() -> None:
    apply_transforms, transform = engine._apply_transforms, sam.transform

    def with_parameters(template: Json, provided: Any = None, previous: Any = None) -> Json:
        _parameters.set(engine._transform_parameters(template, provided, previous))
        result: Json = apply_transforms(template, provided, previous)
        return result

    def with_their_values(template: Json, _: Json, *rest: Any) -> Json:
        result: Json = transform(template, _parameters.get(), *rest)
        return result

    for module in (engine, changesets, handlers):
        del module._apply_transforms  # raises an error if ministack does not have this function
        module._apply_transforms = with_parameters
    sam.transform = with_their_values


def import_routes_from_the_body() -> None:
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


def accept_alarms_on_expressions() -> None:
    alarm = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]

    create, update = alarm["create"], alarm["update"]
    alarm["create"] = lambda *given, **named: create(*map(without_expression, given), **named)
    alarm["update"] = lambda *given, **named: update(*map(without_expression, given), **named)


def without_expression(argument: Any) -> Any:
    if not isinstance(argument, dict) or "Metrics" not in argument:
        return argument
    metric = argument["Metrics"][0]["MetricStat"]["Metric"]
    return {**{name: value for name, value in argument.items() if name != "Metrics"}, **metric}


def generate_secrets_without_punctuation() -> None:
    generate = provisioners._sm_secret_string

    def generate_without_punctuation(properties: Json, *rest: Any, **named: Any) -> Any:
        asked = properties.get("GenerateSecretString")
        if asked and asked.get("ExcludePunctuation"):
            excluded = {**asked, "ExcludeCharacters": string.punctuation}
            properties = {**properties, "GenerateSecretString": excluded}
        return generate(properties, *rest, **named)

    provisioners._sm_secret_string = generate_without_punctuation


def reject_unchanged_versions() -> None:
    lambda_svc = provisioners._lambda_svc
    publish, published = lambda_svc._publish_version, {}

    def publish_if_changed(name: str, data: Json) -> Any:
        function = lambda_svc._functions.get(name, {"config": {}})
        own = {n: v for n, v in function["config"].items() if n not in ("RevisionId", "LastModified")}
        if published.get(name) == (content := json.dumps(own, sort_keys=True, default=str)):
            message = "A version for this Lambda function exists. Modify the function to create a new version."
            return error_response_json("ResourceConflictException", message, 409)
        published[name] = content
        return publish(name, data)

    lambda_svc._publish_version = publish_if_changed


def accept_saved_queries() -> None:
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": lambda *_: (new_uuid(), {}),
        "update": lambda physical_id, *_, **__: (physical_id, {}),
        "delete": lambda *_: None,
    }


def listen_on_one_port() -> None:
    del ministack.app._port_is_bindable  # raises an error if ministack does not have this function
    ministack.app._port_is_bindable = lambda *_: False
