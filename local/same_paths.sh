#!/bin/sh
# Runs a build command so that one commit gives the same bytes on every machine. For panic messages, a
# binary has the paths of its dependencies' source files, in the home of the person who built it. This script replaces
# that home, and also sets the commit. The Makefile and local/release/build.sh run it.
#
#     sh local/same_paths.sh COMMAND...
set -eu
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
case $sources in
*" "*) echo "note: cargo's flags cannot have a space, so the binary will name the path $sources" >&2 ;;
*) export CARGO_BUILD_RUSTFLAGS="${CARGO_BUILD_RUSTFLAGS:-} --remap-path-prefix=$sources=/cargo" ;;
esac
JW_WEBHOOK_FORWARDER_COMMIT=$(sh "$(dirname "$0")/commit.sh")
export JW_WEBHOOK_FORWARDER_COMMIT
exec "$@"
