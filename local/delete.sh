#!/bin/sh
# `make delete`: deletes a stack. The secret, the queues and the log stay (DeletionPolicy), and no command lists them
# afterwards. So this script prints the commands that delete them.
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
# sam asks before it deletes. If the user answers "no", sam exits with 0 and the stack still has its resources
left=$(list 2>&1) || case $left in *"does not exist"*) left= ;; *)
    echo "error: cannot find out whether the stack is deleted. sam list says: $left" >&2
    exit 1
    ;;
esac
# sam also lists resources that are only in the template. Their physical id is "-"
if printf '%s\n' "$left" | grep '"PhysicalResourceId"' | grep -qv '"-"'; then exit; fi

# sam's list has each physical id on the line after the logical id
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
echo "If QueueType or HoldUnverified was changed before, older queues stay too. This list does not have them."
