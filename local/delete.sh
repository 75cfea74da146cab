#!/bin/sh
# Deletes a stack and says what it leaves, with the commands that remove it. Exists because the secret, the queues and
# the log outlive the stack (DeletionPolicy), and nothing else lists them once the stack is gone.
#
#     sh local/delete.sh ENVIRONMENT SAM'S ARGUMENTS...
set -eu
environment=$1
shift

for argument in "$@"; do
    case ${previous:-} in --region | --profile) elsewhere="${elsewhere:-} $previous $argument" ;; esac
    case $argument in --region=* | --profile=*) elsewhere="${elsewhere:-} $argument" ;; esac
    previous=$argument
done
list() {
    # shellcheck disable=SC2086 # a region and a profile are words
    sam list resources --config-env "$environment" --output json ${elsewhere:-}
}

resources=$(list)
sam delete --config-env "$environment" "$@"
# sam asks, and a no is no error: then the stack has its resources still
left=$(list 2>&1) || case $left in *"does not exist"*) left= ;; *)
    echo "error: whether the stack is gone is not known: $left" >&2
    exit 1
    ;;
esac
# a resource of the template that is not deployed is listed too, as "-"
if printf '%s\n' "$left" | grep '"PhysicalResourceId"' | grep -qv '"-"'; then exit; fi

# sam's list has each physical id on the line after the logical one
physical_id() {
    printf '%s\n' "$resources" | sed -n "/\"LogicalResourceId\": \"$1\"/{n;s/.*\"PhysicalResourceId\": \"\(..*\)\".*/\1/p;}"
}

echo
echo "The stack is gone. What it held is still there, and costs the secret's 0.40 USD a month. To remove it for good:"
echo
secret=$(physical_id Secret)
echo "  aws secretsmanager delete-secret --secret-id $secret${elsewhere:-}   # can be restored for 30 days"
for queue in Queue DeadLetterQueue HeldQueue HeldDeadLetterQueue; do
    url=$(physical_id $queue)
    case $url in https://*) echo "  aws sqs delete-queue --queue-url $url${elsewhere:-}   # with its messages" ;; esac
done
echo "  aws logs delete-log-group --log-group-name $(physical_id ForwarderLogs)${elsewhere:-}   # with its undelivered events"
echo
echo "Queues that an earlier change of QueueType or HoldUnverified left are not in this list."
