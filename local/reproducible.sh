#!/bin/sh
# `make reproducible`: builds the last commit twice, as for a release, and compares the bytes. Run it before a release,
# because `make verify-release` needs reproducible builds. Each build has its own folder, compiler and CARGO_HOME,
# with names of different lengths, and fetches the dependencies again.
#
#     sh local/reproducible.sh [arm64|x86_64] [forwarder|jwhook]
set -eu
cd "$(dirname "$0")/.."
architecture=${1:-arm64} binary=${2:-forwarder}
home=${CARGO_HOME:-$HOME/.cargo}
commit=$(git rev-parse --short HEAD)
began=$(date +%s)
rm -rf target/reproducible

one='' other=''
for name in one another-folder/further-down; do
    tree=$(pwd)/target/reproducible/$name
    mkdir -p "$tree" "$tree-home"
    [ ! -f "$home/config.toml" ] || cp "$home/config.toml" "$tree-home" # config.toml names this machine's registry
    git archive "$commit" | tar -x -C "$tree"
    echo "==> building in $tree (some minutes)"
    one=$other
    other=$(CARGO_HOME="$tree-home" sh "$tree/local/release/build.sh" "$architecture" "$binary")
done

one_sum=$(sha256sum <"$one" | cut -d' ' -f1) other_sum=$(sha256sum <"$other" | cut -d' ' -f1)
seconds=$(($(date +%s) - began))
echo "reproducible: $binary for $architecture, commit $commit, $(wc -c <"$one" | tr -d ' ') bytes, sha256 $one_sum, $seconds s"
[ "$one_sum" = "$other_sum" ] || {
    echo "error: two builds of one commit differ: $one and $other ($other_sum).
Find the difference with cmp -l and strings. If a binary names a path, replace the path in local/same_paths.sh." >&2
    exit 1
}
