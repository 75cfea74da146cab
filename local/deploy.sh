#!/bin/sh
# `make deploy`: runs `sam deploy` with a new Revision (commit and time). A Revision on sam's command line would replace
# all parameters in samconfig.toml, so this script adds the Revision to a copy of samconfig.toml in .aws-sam.
#
#     sh local/deploy.sh ENVIRONMENT SAM'S ARGUMENTS...
set -eu
environment=$1
shift

revision=$(sh "$(dirname "$0")/commit.sh")-$(date -u +%Y%m%dT%H%M%SZ)

config=$PWD/.aws-sam/samconfig.toml
mkdir -p .aws-sam
# the project's file has a list; `sam deploy --guided` saves a string, in which the last Revision counts
sed -e "s/^parameter_overrides *= *\[/&\"Revision=$revision\", /" \
    -e "s/^\(parameter_overrides *= *\".*\)\"\$/\1 Revision=$revision\"/" samconfig.toml >"$config"
awk -v table="[$environment." '/^\[/ { ours = index($0, table) == 1 } ours' "$config" | grep -q "Revision=$revision" || {
    echo "error: environment $environment has no parameter_overrides in samconfig.toml. Add the line \"parameter_overrides = []\" below [$environment.global.parameters]" >&2
    exit 1
}
sam deploy --config-file "$config" --config-env "$environment" "$@"

# prints a setting of the environment
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

# without a request, CodeDeploy's canary proves nothing
[ -z "${SEND:-}" ] || jwhook send --stack "$stack" "$@"

# neither sam nor a template can turn termination protection on
[ "$environment" = prod ] || exit 0
set -- --stack-name "$stack" "$@"
# sam asks before it deploys. If the user answers "no", sam exits with 0, and there may be no stack to protect
status=$(aws cloudformation describe-stacks "$@" --query 'Stacks[0].StackStatus' --output text 2>/dev/null || echo none)
case $status in none | REVIEW_IN_PROGRESS) exit 0 ;; esac
aws cloudformation update-termination-protection --enable-termination-protection "$@" >/dev/null || {
    echo "error: $stack is deployed without termination protection. Install the AWS CLI, or turn the protection on in CloudFormation's console" >&2
    exit 1
}
