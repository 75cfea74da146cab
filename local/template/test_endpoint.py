"""What JW calls."""

import json
import unittest

from translated import of_type, resources


class TheEndpoint(unittest.TestCase):
    def test_is_one_route_throttled_by_parameters_with_an_access_log(self) -> None:
        (api,) = of_type("AWS::ApiGatewayV2::Api").values()
        paths = {path: set(operations) for path, operations in api["Properties"]["Body"]["paths"].items()}
        self.assertEqual(paths, {"/webhooks/jwplayer": {"post"}})
        integration = api["Properties"]["Body"]["paths"]["/webhooks/jwplayer"]["post"]["x-amazon-apigateway-integration"]
        alias = resources()["ForwarderAliaslive"]["Properties"]["Name"]
        self.assertTrue(integration["uri"]["Fn::Sub"].endswith(f"/functions/${{Forwarder.Arn}}:{alias}/invocations"))
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        settings = stage["Properties"]["DefaultRouteSettings"]
        self.assertEqual(settings, {name: {"Ref": name} for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")})
        self.assertEqual(stage["Properties"]["AccessLogSettings"]["DestinationArn"], {"Fn::GetAtt": ["GatewayLogs", "Arn"]})

    def test_logs_nothing_else_that_comes_with_a_request_than_address_method_and_time(self) -> None:
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        log = json.loads(stage["Properties"]["AccessLogSettings"]["Format"])
        self.assertEqual(set(log.values()), {
            "$context.requestId", "$context.requestTime", "$context.identity.sourceIp", "$context.httpMethod",
            "$context.routeKey", "$context.status", "$context.integrationStatus", "$context.integrationLatency",
            "$context.responseLatency", "$context.error.responseType", "$context.integrationErrorMessage",
        })  # fmt: skip

    def test_is_either_an_api_or_a_function_url(self) -> None:
        either = {name: r["Condition"] for name, r in resources().items() if r.get("Condition") in ("HasHttpApi", "HasFunctionUrl")}
        self.assertEqual({n for n, c in either.items() if c == "HasFunctionUrl"},
                         {"ForwarderUrl", "ForwarderUrlPermission", "ForwarderUrlInvokePermission"})  # fmt: skip
        self.assertEqual({n for n, c in either.items() if c == "HasHttpApi"},
                         {"HttpApi", "HttpApiApiGatewayDefaultStage", "HttpApiPermission", "GatewayLogs",
                          "GatewayRefusedFilter", "GatewayRefusedAlarm"})  # fmt: skip
