"""JW's documented check as a Lambda function, with boto3 and PyJWT. `make bench` compares the forwarder with it."""

import json
import os

import boto3
import jwt

secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["WEBHOOK_SECRET_ID"])["SecretString"]
sqs = boto3.client("sqs")


def handler(event, context):
    try:
        token = event["headers"]["authorization"].removeprefix("Bearer ")
        is_authentic = jwt.decode(token, secret, algorithms=["HS256"]) == json.loads(event["body"])
    except (KeyError, ValueError, jwt.PyJWTError):
        is_authentic = False
    if not is_authentic:
        return {"statusCode": 401}
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=event["body"])
    return {"statusCode": 200}
