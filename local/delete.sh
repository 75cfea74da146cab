#!/bin/sh
# `make delete`: deletes a stack, and prints the commands that remove what stays. The secret, the queues and the log
# outlive the stack (DeletionPolicy), and nothing else lists them afterwards.
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
    # shellcheck disable=SC2086 # region and profile are separate words
    sam list resources --config-env "$environment" --output json ${elsewhere:-}
}

resources=$(list)
sam delete --config-env "$environment" "$@"
# sam asks, and "no" is no error: then the stack still has its resources
left=$(list 2>&1) || case $left in *"does not exist"*) left= ;; *)
    echo "error: cannot read whether the stack is deleted: $left" >&2
    exit 1
    ;;
esac
# sam also lists the template's resources that are not deployed, as "-"
if printf '%s\n' "$left" | grep '"PhysicalResourceId"' | grep -qv '"-"'; then exit; fi

# sam's list has each physical id on the line after the logical one
physical_id() {
    printf '%s\n' "$resources" | sed -n "/\"LogicalResourceId\": \"$1\"/{n;s/.*\"PhysicalResourceId\": \"\(..*\)\".*/\1/p;}"
}

echo
echo "The stack is deleted. Its secret, queues and log stay. The secret costs 0.40 USD a month. To delete them:"
echo
secret=$(physical_id Secret)
echo "  aws secretsmanager delete-secret --secret-id $secret${elsewhere:-}   # can be restored for 30 days"
for queue in Queue DeadLetterQueue HeldQueue HeldDeadLetterQueue; do
    url=$(physical_id $queue)
    case $url in https://*) echo "  aws sqs delete-queue --queue-url $url${elsewhere:-}   # with its messages" ;; esac
done
echo "  aws logs delete-log-group --log-group-name $(physical_id ForwarderLogs)${elsewhere:-}   # with its undelivered events"
echo
echo "This list has no queues from before a change of QueueType or HoldUnverified."
