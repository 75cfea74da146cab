#!/bin/sh
# Deploys the function with its queues, secret and role, but without CloudFormation. docs/deploy-with-cargo-lambda.md says how
# to run it. A second run keeps what exists, so it also continues an interrupted run. The last step writes
# target/deployed.env, which later commands on that page read. `make prove-cargo-lambda` runs this script twice on an
# emulated AWS, and compares the created resources with template.yaml.
set -eu
: "${NAME:?is the name of the function}" "${BOOTSTRAP:?is the path of the built function}" "${REGION:?is the AWS region}"

ACCOUNT=$(aws sts get-caller-identity --query Account --output text)
SQS=arn:aws:sqs:$REGION:$ACCOUNT # here and below: aws-cn in China, aws-us-gov in GovCloud

# Queues: one for your consumers' events, and one for events that the function holds while it has no usable secret. Each has a
# dead-letter queue. All four deny plain HTTP.
queue() { # QUEUE ATTRIBUTES
  aws sqs create-queue --queue-name $NAME-$1 --attributes file:///dev/stdin <<EOF
{
  "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true", $2,
  "Policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"RefusePlainHttp\", \"Effect\": \"Deny\", \"Principal\": \"*\", \"Action\": \"sqs:*\", \"Resource\": \"$SQS:$NAME-$1\", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}]}"
}
EOF
}
for QUEUE in events held; do # the dead-letter queues first, because the other queues name them
  queue $QUEUE-dead '"RedriveAllowPolicy": "{\"redrivePermission\": \"byQueue\", \"sourceQueueArns\": [\"'$SQS:$NAME-$QUEUE'\"]}"'
done
queue events '"VisibilityTimeout": "180", "RedrivePolicy": "{\"deadLetterTargetArn\": \"'$SQS:$NAME-events-dead'\", \"maxReceiveCount\": 5}"'
queue held '"VisibilityTimeout": "300", "RedrivePolicy": "{\"deadLetterTargetArn\": \"'$SQS:$NAME-held-dead'\", \"maxReceiveCount\": 288}"' # an attempt every 300 s, for a day
QUEUE_URL=$(aws sqs get-queue-url --queue-name $NAME-events --query QueueUrl --output text)
HELD_QUEUE_URL=$(aws sqs get-queue-url --queue-name $NAME-held --query QueueUrl --output text)

# Secret: a key ring with a random key that nobody knows, so that the function refuses every event until `jwhook create`
# adds a webhook's key.
PLACEHOLDER=$(aws secretsmanager get-random-password --password-length 64 --exclude-punctuation --query RandomPassword --output text)
SECRET_ARN=$(aws secretsmanager describe-secret --secret-id $NAME --query ARN --output text 2>/dev/null) ||
  SECRET_ARN=$(aws secretsmanager create-secret --name $NAME --secret-string "{\"placeholder\": \"$PLACEHOLDER\"}" --query ARN --output text)

# Role: the same statements as in template.yaml. Lambda polls the held queue with this role too.
TRUST='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}'
ROLE_ARN=$(aws iam get-role --role-name $NAME --query Role.Arn --output text 2>/dev/null) ||
  ROLE_ARN=$(aws iam create-role --role-name $NAME --query Role.Arn --output text --assume-role-policy-document "$TRUST")
aws iam put-role-policy --role-name $NAME --policy-name forwarder --policy-document file:///dev/stdin <<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "WriteTheLog", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
     "Resource": "arn:aws:logs:$REGION:$ACCOUNT:log-group:/aws/lambda/$NAME:*"},
    {"Sid": "FetchTheSecret", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "$SECRET_ARN"},
    {"Sid": "SendEvents", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "$SQS:$NAME-events"},
    {"Sid": "HoldEvents", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "$SQS:$NAME-held"},
    {"Sid": "ReceiveHeldEvents", "Effect": "Allow",
     "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "Resource": "$SQS:$NAME-held"}
  ]
}
EOF

# Function. The file replaces all of the function's variables. The AWS CLI sets the log format, because cargo-lambda cannot.
# Never set ApplicationLogLevel above INFO, because Lambda would drop metrics and undelivered events.
cat > target/forwarder.env <<EOF
QUEUE_URL=$QUEUE_URL
HELD_QUEUE_URL=$HELD_QUEUE_URL
WEBHOOK_SECRET_ID=$SECRET_ARN
SECRET_TTL_SECONDS=300
SECRET_MAX_STALE_SECONDS=86400
EOF
DEPLOY="cargo lambda deploy --binary-path $BOOTSTRAP --iam-role $ROLE_ARN --env-file target/forwarder.env"
$DEPLOY $NAME || { sleep 15; $DEPLOY $NAME; } # Lambda cannot assume a new role for some seconds
aws lambda update-function-configuration --function-name $NAME \
  --logging-config LogFormat=JSON,ApplicationLogLevel=INFO,SystemLogLevel=WARN
aws lambda wait function-updated-v2 --function-name $NAME

# The first version lacks the log format. So deploy again, and set the alias live, which JW's requests reach.
$DEPLOY --alias live $NAME

# Held events: Lambda invokes the function's alias live with the held queue's messages.
MAPPINGS=$(aws lambda list-event-source-mappings --function-name $NAME:live --event-source-arn $SQS:$NAME-held \
  --query 'length(EventSourceMappings)' --output text)
[ "$MAPPINGS" != 0 ] ||
  aws lambda create-event-source-mapping --function-name $NAME:live --event-source-arn $SQS:$NAME-held --batch-size 10 \
    --function-response-types ReportBatchItemFailures --scaling-config MaximumConcurrency=2

cat > target/deployed.env <<EOF
NAME=$NAME REGION=$REGION ACCOUNT=$ACCOUNT SQS=$SQS ROLE_ARN=$ROLE_ARN SECRET_ARN=$SECRET_ARN
QUEUE_URL=$QUEUE_URL HELD_QUEUE_URL=$HELD_QUEUE_URL
EOF
