#!/bin/sh
# Runs a build command so that one commit gives the same bytes on every machine. A binary names its dependencies' source
# files, for panics, in the home of the person who built it; this script replaces that path. It also sets the commit. The
# Makefile and local/release/build.sh run it.
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
