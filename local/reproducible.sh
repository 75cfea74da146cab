#!/bin/sh
# Whether two builds of the last commit are the same, byte for byte, built as a release is built. Exists because only
# then can anybody hold what is deployed against its source. As two machines would, each build has a folder, a compiler
# and a CARGO_HOME of its own, with names of different lengths, and fetches the dependencies anew.
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
    [ ! -f "$home/config.toml" ] || cp "$home/config.toml" "$tree-home" # where this machine's registry is
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
cmp -l and strings show where. local/same_paths.sh must replace a path that is in the binary." >&2
    exit 1
}
