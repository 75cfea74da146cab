"""What JW calls."""

import json
import unittest

from translated import deployed, of_type, resources


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

    def test_is_an_api_or_a_function_url_or_both_while_webhooks_move(self) -> None:
        api = {"HttpApi", "HttpApiApiGatewayDefaultStage", "HttpApiPermission", "GatewayLogs", "GatewayRefusedFilter",
               "GatewayRefusedAlarm", "WebhookUrlHttpApi"}  # fmt: skip
        url = {"ForwarderUrl", "ForwarderUrlPermission", "ForwarderUrlInvokePermission", "WebhookUrlFunctionUrl"}
        both = {"FunctionUrlErrorsAlarm"}
        for endpoint, expected in {"HttpApi": api, "FunctionUrl": url, "Both": api | url | both}.items():
            stack = deployed(Endpoint=endpoint)
            self.assertEqual((set(stack["Resources"]) | set(stack["Outputs"])) & (api | url | both), expected)

    def test_has_a_dashboard_in_the_console_of_its_partition(self) -> None:
        consoles = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
        for partition, console in consoles.items():
            _, variables = deployed(**{"AWS::Partition": partition})["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
            self.assertEqual(variables, {"Console": console})

    def test_has_an_alarm_on_5xx_wherever_jw_calls(self) -> None:
        expected = {"HttpApi": {"5xx"}, "FunctionUrl": {"Url5xxCount"}, "Both": {"5xx", "Url5xxCount"}}
        for endpoint, metrics in expected.items():
            stack = deployed(Endpoint=endpoint)["Resources"].values()
            alarms = {r["Properties"].get("MetricName") for r in stack if r["Type"] == "AWS::CloudWatch::Alarm"}
            self.assertEqual(alarms & {"5xx", "Url5xxCount"}, metrics)

    def test_is_told_by_outputs_of_which_each_keeps_its_value_while_webhooks_move(self) -> None:
        told = {endpoint: deployed(Endpoint=endpoint)["Outputs"] for endpoint in ("HttpApi", "FunctionUrl", "Both")}
        for endpoint in ("HttpApi", "FunctionUrl"):
            url = told[endpoint][f"WebhookUrl{endpoint}"]["Value"]
            self.assertEqual(told[endpoint]["WebhookUrl"]["Value"], url)
            self.assertEqual(told["Both"][f"WebhookUrl{endpoint}"]["Value"], url)
        self.assertEqual(told["Both"]["WebhookUrl"]["Value"], told["HttpApi"]["WebhookUrl"]["Value"])
