#!/bin/sh
# Runs `sam deploy` with a Revision of its own, the commit and the time. Exists because sam has one list of parameters
# only: a Revision on its command line would take the place of the whole list in samconfig.toml. So sam gets a copy of
# that file, in .aws-sam, with one more parameter in its lists.
#
#     sh local/deploy.sh ENVIRONMENT SAM'S ARGUMENTS...
set -eu
environment=$1
shift

commit=$(git rev-parse --short=9 HEAD 2>/dev/null || echo no-commit)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit=$commit.dirty
revision=$commit-$(date -u +%Y%m%dT%H%M%SZ)

config=$PWD/.aws-sam/samconfig.toml
mkdir -p .aws-sam
# a list is ours; a string is what `sam deploy --guided` saves, and there the last of two values counts
sed -e "s/^parameter_overrides *= *\[/&\"Revision=$revision\", /" \
    -e "s/^\(parameter_overrides *= *\".*\)\"\$/\1 Revision=$revision\"/" samconfig.toml >"$config"
awk -v table="[$environment." '/^\[/ { ours = index($0, table) == 1 } ours' "$config" | grep -q "Revision=$revision" || {
    echo "error: in samconfig.toml $environment has no parameter_overrides: add the line \"parameter_overrides = []\" below [$environment.global.parameters]" >&2
    exit 1
}
exec sam deploy --config-file "$config" --config-env "$environment" "$@"
