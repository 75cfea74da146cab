#!/bin/sh
# Creates an HTTP API in front of the function that deploy.sh has deployed, and writes its URL to target/webhook.env.
# docs/deploy-with-cargo-lambda.md says how to run it.
set -eu
. ./target/deployed.env

API=$(aws apigatewayv2 get-apis --query "Items[?Name=='$NAME'].ApiId | [0]" --output text)
[ "$API" = None ] || {
  echo "error: the HTTP API $NAME ($API) exists. To create it again, run: aws apigatewayv2 delete-api --api-id $API" >&2
  exit 1
}
LIVE=arn:aws:lambda:$REGION:$ACCOUNT:function:$NAME:live
API=$(aws apigatewayv2 create-api --name $NAME --protocol-type HTTP --query ApiId --output text)
INTEGRATION=$(aws apigatewayv2 create-integration --api-id $API --integration-type AWS_PROXY --integration-method POST \
  --integration-uri $LIVE --payload-format-version 2.0 --query IntegrationId --output text)
aws apigatewayv2 create-route --api-id $API --route-key 'POST /webhooks/jwplayer' --target integrations/$INTEGRATION
aws apigatewayv2 create-stage --api-id $API --stage-name '$default' --auto-deploy \
  --default-route-settings ThrottlingRateLimit=1000,ThrottlingBurstLimit=1000
aws lambda add-permission --function-name $NAME --qualifier live --statement-id http-api-$API --action lambda:InvokeFunction \
  --principal apigateway.amazonaws.com --source-arn "arn:aws:execute-api:$REGION:$ACCOUNT:$API/\$default/POST/webhooks/jwplayer"
echo "WEBHOOK_URL=https://$API.execute-api.$REGION.amazonaws.com/webhooks/jwplayer" > target/webhook.env
