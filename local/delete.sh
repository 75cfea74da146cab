#!/bin/sh
# Deletes a stack and says what it leaves, with the commands that remove it. Exists because the secret, the queues and
# the log outlive the stack (DeletionPolicy), and nothing else lists them once the stack is gone.
#
#     sh local/delete.sh ENVIRONMENT SAM'S ARGUMENTS...
set -eu
environment=$1
shift

list() {
    region=
    profile=
    while [ $# -gt 1 ]; do
        case $1 in --region) region=$2 ;; --profile) profile=$2 ;; esac
        shift
    done
    sam list resources --config-env "$environment" --output json ${region:+--region "$region"} ${profile:+--profile "$profile"}
}

resources=$(list "$@")
sam delete --config-env "$environment" "$@"
if list "$@" >/dev/null 2>&1; then exit; fi # sam asks, and a no is no error

# sam's list has each physical id on the line after the logical one
physical_id() {
    printf '%s\n' "$resources" | sed -n "/\"LogicalResourceId\": \"$1\"/{n;s/.*\"PhysicalResourceId\": \"\(..*\)\".*/\1/p;}"
}

echo
echo "The stack is gone. What it held is still there, and costs the secret's 0.40 USD a month. To remove it for good:"
echo
secret=$(physical_id Secret)
echo "  aws secretsmanager delete-secret --secret-id $secret   # can be restored for 30 days"
for queue in Queue DeadLetterQueue HeldQueue HeldDeadLetterQueue; do
    url=$(physical_id $queue)
    case $url in https://*) echo "  aws sqs delete-queue --queue-url $url   # with its messages" ;; esac
done
echo "  aws logs delete-log-group --log-group-name $(physical_id ForwarderLogs)   # with its undelivered events"
echo
echo "Queues that an earlier change of QueueType or HoldUnverified left are not in this list."
