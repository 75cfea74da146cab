"""What template.yaml becomes in CloudFormation, held against the code that it deploys.

Exists because a template can deploy and still be wrong in ways that only an incident shows: an alarm on a metric that
nobody emits, a variable that the code doesn't read, a permission more than it needs. And because some of what the
template promises can't be tried on the AWS of `make prove`: it is asserted here.
"""

import functools
import json
import logging
import re
import unittest
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
logging.getLogger("samtranslator").setLevel(logging.ERROR)  # of metrics that it would publish

DATA = {"Queue", "DeadLetterQueue", "Secret"}
# What AWS's own services emit, of what the alarms are on (their documentation's lists of metrics).
AWS_METRICS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "Url5xxCount"),
    ("AWS/ApiGateway", "5xx"),
}
# The calls of an AWS SDK client, and of Lambda for the function, with what IAM calls them.
CALLS = {"get_secret_value": "secretsmanager:GetSecretValue", "send_message": "sqs:SendMessage"}
FOR_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}  # which Secrets Manager and SQS call in the function's name
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def template() -> Json:
    parsed: Json = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return parsed


@functools.cache
def translated(**parameters: str) -> Json:
    """What CloudFormation gets, once SAM has translated the template."""
    source = template()
    source["Resources"]["Forwarder"]["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    session = boto3.Session(region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    result: Json = Translator({}, Parser(), boto_session=session).translate(source, parameters)
    return result


def resources(**parameters: str) -> Json:
    found: Json = translated(**parameters)["Resources"]
    return found


def of_type(kind: str, **parameters: str) -> Json:
    return {name: r for name, r in resources(**parameters).items() if r["Type"] == kind}


def source(*files: str) -> str:
    """The code that ships: without its tests."""
    texts = [(ROOT / "src" / file).read_text(encoding="utf-8") for file in files]
    return "\n".join(text.split("#[cfg(test)]")[0] for text in texts)


def shipped() -> str:
    files = [path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.rs")]
    return source(*(str(file) for file in files if file.name != "tests.rs" and file.parts[0] != "bin"))


def branches(value: Any) -> list[Any]:
    """What an Fn::If may become, AWS::NoValue left out; else the value itself."""
    if isinstance(value, dict) and "Fn::If" in value:
        return [found for branch in value["Fn::If"][1:] for found in branches(branch)]
    return [] if value == {"Ref": "AWS::NoValue"} else [value]


def statements() -> list[Json]:
    (policy,) = resources()["ForwarderRole"]["Properties"]["Policies"]
    return [found for statement in policy["PolicyDocument"]["Statement"] for found in branches(statement)]


def actions(statement: Json) -> set[str]:
    action = statement["Action"]
    return {action} if isinstance(action, str) else set(action)


def alarm_metrics() -> set[tuple[str, str]]:
    found = set()
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        metrics = [m["MetricStat"]["Metric"] for m in properties.get("Metrics", []) if "MetricStat" in m] or [properties]
        for metric in metrics:
            namespaces = [n["Fn::Sub"] if isinstance(n, dict) else n for n in branches(metric["Namespace"])]
            names = branches(metric["MetricName"])
            found |= set(zip(namespaces, names, strict=True))
    return found


class TheFunction(unittest.TestCase):
    def test_has_exactly_the_variables_that_the_code_reads(self) -> None:
        read = set(re.findall(r'"([A-Z][A-Z_]+)"', source("config.rs"))) - {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
        # Lambda sets the one, from LoggingConfig, and it comes before the other
        read -= {"AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"}
        function = resources()["Forwarder"]["Properties"]
        self.assertEqual(set(function["Environment"]["Variables"]), read)
        self.assertEqual(function["LoggingConfig"]["ApplicationLogLevel"], {"Ref": "LogLevel"})

    def test_leaves_a_variable_out_that_is_not_set(self) -> None:
        for name, value in resources()["Forwarder"]["Properties"]["Environment"]["Variables"].items():
            for found in branches(value):
                parameter = template()["Parameters"].get(found.get("Ref", ""), {})
                may_be_empty = parameter.get("Default") == ""
                guarded = isinstance(value, dict) and "Fn::If" in value
                self.assertTrue(guarded or not may_be_empty, name)

    def test_keeps_the_lines_without_a_level(self) -> None:
        # Lambda takes them for INFO, and they are the metrics and the undelivered events
        self.assertEqual(template()["Parameters"]["LogLevel"]["AllowedValues"], ["TRACE", "DEBUG", "INFO"])
        self.assertEqual(resources()["Forwarder"]["Properties"]["LoggingConfig"]["LogFormat"], "JSON")

    def test_is_built_from_the_package_s_binary(self) -> None:
        manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
        binary = re.search(r'\[\[bin\]\]\nname = "([^"]+)"\npath = "src/main.rs"', manifest)
        assert binary
        self.assertEqual(template()["Resources"]["Forwarder"]["Metadata"]["BuildProperties"], {"Binary": binary[1]})

    def test_has_more_time_than_a_request_takes_and_less_than_the_gateway_waits(self) -> None:
        budget = re.search(r"const MAX_DURATION: Duration = Duration::from_secs\((\d+)\)", source("forwarder.rs"))
        assert budget
        timeout = resources()["Forwarder"]["Properties"]["Timeout"]
        self.assertTrue(int(budget[1]) + 5 <= timeout < 30, timeout)


class APermission(unittest.TestCase):
    def test_is_there_for_each_call_of_the_code_and_for_nothing_else(self) -> None:
        calls = set(re.findall(r"\bclient\s*\.(\w+)\(\)", shipped()))
        self.assertEqual(calls, set(CALLS))
        granted = {action for statement in statements() for action in actions(statement)}
        self.assertEqual(granted, set(CALLS.values()) | FOR_KEYS | OF_LAMBDA)

    def test_names_the_one_resource_that_it_is_for(self) -> None:
        resource = {statement["Sid"]: statement["Resource"] for statement in statements()}
        secret = {"Fn::If": ["HasExistingSecret", {"Ref": "ExistingSecretArn"}, {"Fn::GetAtt": ["Secret", "Id"]}]}
        self.assertEqual(resource, {
            "FetchTheSecret": secret,
            "SendEvents": {"Fn::GetAtt": ["Queue", "Arn"]},
            "DecryptTheSecret": {"Ref": "SecretKmsKeyArn"},
            "EncryptEvents": {"Ref": "QueueKmsKeyArn"},
            "WriteTheLog": {"Fn::GetAtt": ["ForwarderLogs", "Arn"]},
            "WriteTraces": "*",
        })  # fmt: skip
        self.assertEqual(resources()["Forwarder"]["Properties"]["Environment"]["Variables"]["WEBHOOK_SECRET_ID"], secret)

    def test_for_a_key_is_there_when_the_key_is_and_through_its_service_only(self) -> None:
        (policy,) = resources()["ForwarderRole"]["Properties"]["Policies"]
        conditional = [s["Fn::If"] for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s]
        found = [
            (condition, statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"].split(".")[0], actions(statement))
            for condition, statement, _ in conditional
        ]
        self.assertEqual(
            found,
            [("HasSecretKey", "secretsmanager", {"kms:Decrypt"}), ("HasQueueKey", "sqs", FOR_KEYS)],
        )

    def test_comes_from_no_other_policy(self) -> None:
        self.assertNotIn("ManagedPolicyArns", resources()["ForwarderRole"]["Properties"])
        self.assertEqual(set(of_type("AWS::IAM::Role")), {"ForwarderRole", "CodeDeployServiceRole"})
        self.assertEqual(set(of_type("AWS::IAM::Role", Deployment="AllAtOnce")), {"ForwarderRole"})
        self.assertEqual(of_type("AWS::IAM::Policy") | of_type("AWS::IAM::ManagedPolicy"), {})

    def test_to_invoke_is_the_endpoint_s_alone_and_of_the_alias(self) -> None:
        live = {"Ref": "ForwarderAliaslive"}
        found = {
            name: (r["Condition"], r["Properties"]["Action"], r["Properties"]["FunctionName"])
            for name, r in of_type("AWS::Lambda::Permission").items()
        }
        self.assertEqual(found, {
            "HttpApiPermission": ("HasHttpApi", "lambda:InvokeFunction", live),
            "ForwarderUrlPermission": ("HasFunctionUrl", "lambda:InvokeFunctionUrl", live),
            "ForwarderUrlInvokePermission": ("HasFunctionUrl", "lambda:InvokeFunction", live),
        })  # fmt: skip
        permissions = of_type("AWS::Lambda::Permission")
        self.assertTrue(permissions["ForwarderUrlInvokePermission"]["Properties"]["InvokedViaFunctionUrl"])
        arn = permissions["HttpApiPermission"]["Properties"]["SourceArn"]["Fn::Sub"]
        self.assertTrue(arn.endswith(":${HttpApi}/$default/POST/webhooks/jwplayer"), arn)


class AnAlarm(unittest.TestCase):
    def emitted(self) -> set[tuple[str, str]]:
        telemetry = source("telemetry.rs")
        namespace = re.search(r'NAMESPACE: &str = "(\w+)"', telemetry)
        assert namespace
        own = {(namespace[1], name) for name in re.findall(r'#\[serde\(rename = "([A-Z]\w+)"', telemetry)}
        filters = {
            (t["MetricNamespace"]["Fn::Sub"], t["MetricName"])
            for f in of_type("AWS::Logs::MetricFilter").values()
            for t in f["Properties"]["MetricTransformations"]
        }
        return own | filters | AWS_METRICS

    def test_is_on_a_metric_that_is_emitted(self) -> None:
        self.assertEqual(alarm_metrics() - self.emitted(), set())

    def test_is_there_for_each_metric_that_a_filter_makes(self) -> None:
        filtered = {metric for metric in self.emitted() if metric[0].startswith("JwWebhookForwarder/")}
        self.assertEqual(filtered - alarm_metrics(), set())

    def test_is_on_the_function_as_its_lines_name_it(self) -> None:
        self.assertIn('#[serde(rename = "FunctionName")]', source("telemetry.rs"))
        text = json.dumps([a["Properties"] for a in of_type("AWS::CloudWatch::Alarm").values()])
        for dimensions in re.findall(r'"Namespace": "JwWebhookForwarder", "MetricName": "\w+", "Dimensions": (\[.*?\])', text):
            self.assertEqual(json.loads(dimensions), [{"Name": "FunctionName", "Value": {"Ref": "Forwarder"}}])

    def test_says_what_to_do_and_reaches_somebody(self) -> None:
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            properties = alarm["Properties"]
            self.assertGreater(len(properties["AlarmDescription"]), 80, name)
            self.assertLess(len(properties["AlarmDescription"]), 1024, name)
            self.assertEqual(properties["AlarmActions"], [{"Ref": "AlarmTopic"}], name)
            self.assertIn("TreatMissingData", properties, name)

    def test_s_filter_reads_members_that_the_code_writes(self) -> None:
        telemetry, message = source("telemetry.rs"), source("message.rs")
        self.assertRegex(telemetry, r"struct Undelivered<'m> \{\s+undelivered: Record")
        self.assertIn("pub event_id: &'e str", message)
        self.assertRegex(telemetry, r"\n    secret_age_s: Option<u64>")
        access_log = of_type("AWS::ApiGatewayV2::Stage")["HttpApiApiGatewayDefaultStage"]["Properties"]["AccessLogSettings"]
        self.assertLessEqual({"status", "integrationStatus"}, set(json.loads(access_log["Format"])))
        patterns = {name: f["Properties"]["FilterPattern"] for name, f in of_type("AWS::Logs::MetricFilter").items()}
        self.assertEqual(patterns, {
            "UndeliveredFilter": "{ $.undelivered.event_id = * }",
            "SecretAgeFilter": "{ $.secret_age_s >= 0 }",
            "GatewayRefusedFilter": '{ ($.integrationStatus = "-") && ($.status = "4*") && ($.status != "404") }',
        })  # fmt: skip

    def test_is_on_the_dashboard(self) -> None:
        body = json.dumps(resources()["Dashboard"]["Properties"]["DashboardBody"])
        for name in of_type("AWS::CloudWatch::Alarm"):
            self.assertIn(f"${{{name}.Arn}}", body)


class TheDashboard(unittest.TestCase):
    def test_is_json_with_either_endpoint(self) -> None:
        text, variables = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        for branch in (1, 2):
            body = text
            for name, choice in variables.items():
                value = choice["Fn::If"][branch]
                body = body.replace(f"${{{name}}}", value["Fn::Sub"] if isinstance(value, dict) else value)
            self.assertGreaterEqual(len(json.loads(body)["widgets"]), 8)


class AVersion(unittest.TestCase):
    """The alias serves a version, and a version holds the values that it was made with."""

    def test_is_made_anew_when_a_parameter_of_the_function_changes(self) -> None:
        (version,) = of_type("AWS::Lambda::Version").values()
        text, _ = version["Properties"]["Description"]["Fn::Sub"]  # CloudFormation: "Update requires: Replacement"
        named = set(re.findall(r"\$\{(\w+)\}", json.dumps(version["Properties"]["Description"])))
        function = json.dumps(resources()["Forwarder"]["Properties"])
        parameters = set(template()["Parameters"])
        used = {p for p in parameters if f'"Ref": "{p}"' in function} - {"ReservedConcurrency"}  # which no version holds
        self.assertEqual(named & parameters, used | {"QueueType"})  # which decides what {"Ref": "Queue"} is
        longest = {"Name": 127, "QueueType": 8, "LogLevel": 5, "Architecture": 6}
        length = len(re.sub(r"\$\{(\w+)\}", lambda m: "x" * longest.get(m[1], 10), text))
        self.assertLessEqual(length, 256)

    def test_is_made_anew_when_the_function_s_lines_change(self) -> None:
        self.assertTrue(template()["Resources"]["Forwarder"]["Properties"]["AutoPublishAliasAllProperties"])

    def test_takes_over_through_codedeploy_which_rolls_back_on_alarms(self) -> None:
        (group,) = of_type("AWS::CodeDeploy::DeploymentGroup").values()
        properties = group["Properties"]
        style = properties["DeploymentConfigName"]
        self.assertIn("Canary10Percent5Minutes", json.dumps(style))
        alarms = {alarm["Name"]["Ref"] for alarm in properties["AlarmConfiguration"]["Alarms"]}
        self.assertEqual(
            alarms, {"EventsFailedAlarm", "EventsUndeliveredAlarm", "FunctionErrorsAlarm", "EndpointErrorsAlarm"}
        )
        self.assertIn("DEPLOYMENT_STOP_ON_ALARM", properties["AutoRollbackConfiguration"]["Events"])
        self.assertIn("UpdatePolicy", resources()["ForwarderAliaslive"])

    def test_takes_over_at_once_where_a_test_stack_wants_it(self) -> None:
        types = {r["Type"] for r in resources(Deployment="AllAtOnce").values()}
        self.assertEqual({kind for kind in types if kind.startswith("AWS::CodeDeploy")}, set())


class Data(unittest.TestCase):
    def test_survives_every_update(self) -> None:
        for name in DATA | {"ForwarderLogs"}:
            self.assertEqual(resources()[name].get("UpdateReplacePolicy"), "Retain", name)
            self.assertNotIn("Condition", resources()[name], f"{name}: an update that makes it false would delete it")

    def test_goes_with_the_stack(self) -> None:
        kept = {name for name, r in resources().items() if r.get("DeletionPolicy", "Delete") != "Delete"}
        self.assertEqual({resources()[name]["Type"] for name in kept}, {"AWS::Lambda::Version"})  # which goes with its function

    def test_is_encrypted_and_takes_no_plain_http(self) -> None:
        refusing = {}
        for policy in of_type("AWS::SQS::QueuePolicy").values():
            (queue,) = policy["Properties"]["Queues"]
            (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
            refusing[queue["Ref"]] = (statement["Effect"], statement["Principal"], statement["Action"], statement["Condition"])
        refusal = ("Deny", "*", "sqs:*", {"Bool": {"aws:SecureTransport": "false"}})
        self.assertEqual(refusing, {"Queue": refusal, "DeadLetterQueue": refusal})
        for name in ("Queue", "DeadLetterQueue"):
            properties = resources()[name]["Properties"]
            self.assertEqual(properties["SqsManagedSseEnabled"], {"Fn::If": ["HasQueueKey", False, True]})
            self.assertEqual(properties["KmsMasterKeyId"]["Fn::If"][:2], ["HasQueueKey", {"Ref": "QueueKmsKeyArn"}])
            self.assertEqual(properties["MessageRetentionPeriod"], 14 * 24 * 3600)

    def test_dead_letters_come_from_this_queue_only(self) -> None:
        name, variables = resources()["Queue"]["Properties"]["QueueName"]["Fn::Sub"]
        allow = resources()["DeadLetterQueue"]["Properties"]["RedriveAllowPolicy"]
        (arn,) = allow["sourceQueueArns"]
        self.assertEqual(allow["redrivePermission"], "byQueue")
        prefix = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"
        self.assertEqual(arn["Fn::Sub"], [prefix + name, variables])

    def test_in_a_fresh_secret_is_a_placeholder_that_is_long_enough_to_be_a_key(self) -> None:
        secret = resources()["Secret"]["Properties"]
        self.assertNotIn("SecretString", secret)
        self.assertEqual(secret["GenerateSecretString"], {"PasswordLength": 64, "ExcludePunctuation": True})


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

    def test_logs_nothing_that_a_caller_can_write(self) -> None:
        (stage,) = of_type("AWS::ApiGatewayV2::Stage").values()
        log = stage["Properties"]["AccessLogSettings"]["Format"]
        self.assertNotRegex(log, r"\$context\.(path|identity\.userAgent|authorizer|requestOverride|routeParameters)")

    def test_is_either_an_api_or_a_function_url(self) -> None:
        either = {name: r["Condition"] for name, r in resources().items() if r.get("Condition") in ("HasHttpApi", "HasFunctionUrl")}
        self.assertEqual({n for n, c in either.items() if c == "HasFunctionUrl"},
                         {"ForwarderUrl", "ForwarderUrlPermission", "ForwarderUrlInvokePermission"})  # fmt: skip
        self.assertEqual({n for n, c in either.items() if c == "HasHttpApi"},
                         {"HttpApi", "HttpApiApiGatewayDefaultStage", "HttpApiPermission", "GatewayLogs",
                          "GatewayRefusedFilter", "GatewayRefusedAlarm"})  # fmt: skip


class AParameter(unittest.TestCase):
    def test_is_grouped_labelled_described_and_used(self) -> None:
        source = template()
        interface = source["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(source["Parameters"]))
        self.assertEqual(list(interface["ParameterLabels"]), grouped)
        text = json.dumps([source[section] for section in ("Conditions", "Resources", "Outputs")])
        for name, parameter in source["Parameters"].items():
            self.assertIn("Description", parameter, name)
            self.assertTrue(f'"Ref": "{name}"' in text or f"${{{name}}}" in text, name)

    def test_has_the_code_s_default(self) -> None:
        config, parameters = source("config.rs"), template()["Parameters"]
        for name, field in {"SecretTtlSeconds": "secret_ttl", "SecretMaxStaleSeconds": "secret_max_stale"}.items():
            default = re.search(rf"{field}: environment.*?from_secs\(([\d_]+)\)", config, re.DOTALL)
            assert default
            self.assertEqual(parameters[name]["Default"], int(default[1].replace("_", "")), name)


if __name__ == "__main__":
    unittest.main()
