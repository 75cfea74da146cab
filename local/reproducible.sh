#!/bin/sh
# Whether two builds of the last commit are the same, byte for byte, built as `sam build` builds. Exists because only
# then can anybody hold what is deployed against its source. As two machines would, each build has a folder and a
# CARGO_HOME of its own, with names of different lengths, and fetches the dependencies anew.
#
#     sh local/reproducible.sh
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
export PATH="$root/.venv-zig/bin:$root/.venv/bin:$PATH" # zig and cargo-lambda
home=${CARGO_HOME:-$HOME/.cargo}
commit=$(git rev-parse --short HEAD)
began=$(date +%s)
rm -rf target/reproducible

for name in one another-folder/further-down; do
    tree=$root/target/reproducible/$name
    mkdir -p "$tree" "$tree-home"
    [ ! -f "$home/config.toml" ] || cp "$home/config.toml" "$tree-home" # where this machine's registry is
    git archive "$commit" | tar -x -C "$tree"
    echo "==> building in $tree (some minutes)"
    (cd "$tree" && CARGO_HOME="$tree-home" sh local/same_paths.sh cargo lambda build --quiet --release --locked --bin forwarder)
done

one=target/reproducible/one/target/lambda/forwarder/bootstrap
other=target/reproducible/another-folder/further-down/target/lambda/forwarder/bootstrap
one_sum=$(sha256sum <"$one" | cut -d' ' -f1) other_sum=$(sha256sum <"$other" | cut -d' ' -f1)
seconds=$(($(date +%s) - began))
echo "reproducible: commit $commit, $(wc -c <"$one" | tr -d ' ') bytes, sha256 $one_sum, $seconds s"
[ "$one_sum" = "$other_sum" ] || {
    echo "error: two builds of one commit differ: $one and $other ($other_sum).
cmp -l and strings tell where; what names a path is mended in local/same_paths.sh." >&2
    exit 1
}
