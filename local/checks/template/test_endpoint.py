"""Tests the endpoints that JW calls: the HTTP API and the function URL."""

import json
import unittest

from translated import deployed, deployed_of_type, of_type, resources


class Endpoint(unittest.TestCase):
    def test_http_api_has_one_throttled_route_and_an_access_log(self) -> None:
        (api,) = of_type("AWS::ApiGatewayV2::Api").values()
        paths = {path: set(operations) for path, operations in api["Properties"]["Body"]["paths"].items()}
        self.assertEqual(paths, {"/webhooks/jwplayer": {"post"}})
        integration = api["Properties"]["Body"]["paths"]["/webhooks/jwplayer"]["post"]["x-amazon-apigateway-integration"]
        alias = resources()["ForwarderAliaslive"]["Properties"]["Name"]
        self.assertTrue(integration["uri"]["Fn::Sub"].endswith(f"/functions/${{Forwarder.Arn}}:{alias}/invocations"))
        (stage,) = (r["Properties"] for r in of_type("AWS::ApiGatewayV2::Stage").values())
        limits = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
        self.assertEqual(stage["DefaultRouteSettings"], {name: {"Ref": name} for name in limits})
        self.assertEqual(stage["AccessLogSettings"]["DestinationArn"], {"Fn::GetAtt": ["GatewayLogs", "Arn"]})
        # the access log has the request's address, method and time, but no header and no body
        self.assertEqual(set(json.loads(stage["AccessLogSettings"]["Format"]).values()), {
            "$context.requestId", "$context.requestTime", "$context.identity.sourceIp", "$context.httpMethod",
            "$context.routeKey", "$context.status", "$context.integrationStatus", "$context.integrationLatency",
            "$context.responseLatency", "$context.error.responseType", "$context.integrationErrorMessage",
        })  # fmt: skip

    def test_parameter_endpoint_creates_an_api_or_a_function_url_or_both(self) -> None:
        api = {"HttpApi", "HttpApiApiGatewayDefaultStage", "HttpApiPermission", "GatewayLogs", "GatewayRefusedFilter",
               "GatewayRefusedAlarm", "WebhookUrlHttpApi"}  # fmt: skip
        url = {"ForwarderUrl", "ForwarderUrlPermission", "ForwarderUrlInvokePermission", "WebhookUrlFunctionUrl"}
        both = {"FunctionUrlErrorsAlarm"}
        for endpoint, expected in {"HttpApi": api, "FunctionUrl": url, "Both": api | url | both}.items():
            stack = deployed(Endpoint=endpoint)
            self.assertEqual((set(stack["Resources"]) | set(stack["Outputs"])) & (api | url | both), expected)

    def test_endpoint_has_an_alarm_on_5xx(self) -> None:
        for endpoint, metrics in {"HttpApi": {"5xx"}, "FunctionUrl": {"Url5xxCount"}, "Both": {"5xx", "Url5xxCount"}}.items():
            alarms = deployed_of_type("AWS::CloudWatch::Alarm", Endpoint=endpoint).values()
            self.assertEqual({alarm.get("MetricName") for alarm in alarms} & {"5xx", "Url5xxCount"}, metrics)

    def test_outputs_keep_their_urls_after_a_change_of_the_parameter_endpoint(self) -> None:
        outputs = {endpoint: deployed(Endpoint=endpoint)["Outputs"] for endpoint in ("HttpApi", "FunctionUrl", "Both")}
        for endpoint in ("HttpApi", "FunctionUrl"):
            url = outputs[endpoint][f"WebhookUrl{endpoint}"]["Value"]
            self.assertEqual(outputs[endpoint]["WebhookUrl"]["Value"], url)
            self.assertEqual(outputs["Both"][f"WebhookUrl{endpoint}"]["Value"], url)
        self.assertEqual(outputs["Both"]["WebhookUrl"]["Value"], outputs["HttpApi"]["WebhookUrl"]["Value"])

    def test_dashboard_url_is_in_the_console_of_the_partition(self) -> None:
        consoles = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
        for partition, console in consoles.items():
            _, variables = deployed(**{"AWS::Partition": partition})["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]
            self.assertEqual(variables, {"Console": console})
