#!/bin/sh
# Runs a build whose result doesn't tell where it was made. Exists because a binary names its dependencies' sources (in
# what a panic says) below the home of whoever built it; under one name, any machine makes the same bytes of one commit.
# The result names that commit.
#
#     sh local/same_paths.sh COMMAND...
set -eu
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
case $sources in
*" "*) echo "note: $sources has a space, which cargo's flags can't have: the binary will name it" >&2 ;;
*) export CARGO_BUILD_RUSTFLAGS="${CARGO_BUILD_RUSTFLAGS:-} --remap-path-prefix=$sources=/cargo" ;;
esac
JW_WEBHOOK_FORWARDER_COMMIT=$(sh "$(dirname "$0")/commit.sh")
export JW_WEBHOOK_FORWARDER_COMMIT
exec "$@"
