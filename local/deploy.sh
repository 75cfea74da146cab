#!/bin/sh
# Runs `sam deploy` with a Revision of its own, the commit and the time. Exists because sam has one list of parameters
# only: a Revision on its command line would take the place of the whole list in samconfig.toml. So sam gets a copy of
# that file, in .aws-sam, with one more parameter in its lists.
#
#     sh local/deploy.sh ENVIRONMENT SAM'S ARGUMENTS...
set -eu
environment=$1
shift

revision=$(sh "$(dirname "$0")/commit.sh")-$(date -u +%Y%m%dT%H%M%SZ)

config=$PWD/.aws-sam/samconfig.toml
mkdir -p .aws-sam
# a list is ours; a string is what `sam deploy --guided` saves, and there the last of two values counts
sed -e "s/^parameter_overrides *= *\[/&\"Revision=$revision\", /" \
    -e "s/^\(parameter_overrides *= *\".*\)\"\$/\1 Revision=$revision\"/" samconfig.toml >"$config"
awk -v table="[$environment." '/^\[/ { ours = index($0, table) == 1 } ours' "$config" | grep -q "Revision=$revision" || {
    echo "error: in samconfig.toml $environment has no parameter_overrides: add the line \"parameter_overrides = []\" below [$environment.global.parameters]" >&2
    exit 1
}
sam deploy --config-file "$config" --config-env "$environment" "$@"

# the value of a name in the environment's tables of samconfig.toml
configured() {
    awk -v table="[$environment." '/^\[/ { ours = index($0, table) == 1 } ours' "$config" | sed -n "s/^$1 *= *\"\(.*\)\".*/\1/p"
}
stack=$(configured stack_name)
region=$(configured region)
profile=
for argument in "$@"; do
    case ${previous:-} in --region) region=$argument ;; --profile) profile=$argument ;; esac
    case $argument in --region=*) region=${argument#*=} ;; --profile=*) profile=${argument#*=} ;; esac
    previous=$argument
done
set -- ${region:+--region "$region"} ${profile:+--profile "$profile"}

# a canary that gets no request proves nothing
[ -z "${SEND:-}" ] || jwhook send --stack "$stack" "$@"

# sam has no option for it, and a template neither
[ "$environment" = prod ] || exit 0
set -- --stack-name "$stack" "$@"
# sam asks before a change, and a no is no error: then there may be no stack to protect
status=$(aws cloudformation describe-stacks "$@" --query 'Stacks[0].StackStatus' --output text 2>/dev/null || echo none)
case $status in none | REVIEW_IN_PROGRESS) exit 0 ;; esac
aws cloudformation update-termination-protection --enable-termination-protection "$@" >/dev/null || {
    echo "error: $stack is deployed, but its termination protection is not on: install the AWS CLI, or turn it on in CloudFormation's console" >&2
    exit 1
}
