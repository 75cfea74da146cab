#!/bin/sh
# Builds a binary of a release. Compiler, linker and environment are fixed and the build has no network, so that every
# machine builds the same bytes. `make release` runs it. The last line of its output is the binary's path. If RUST_BIN
# names a folder, it builds with the cargo and rustc of that folder, and the result is not a release.
#
#     sh local/release/build.sh arm64|x86_64 forwarder|jwhook
set -eu
cd "$(dirname "$0")/../.."
root=$(pwd)
architecture=${1:-} binary=${2:-}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

case $architecture in
arm64) target=aarch64-unknown-linux-gnu ;;
x86_64) target=x86_64-unknown-linux-gnu ;;
*) fail "unknown architecture '$architecture'. Use arm64 or x86_64" ;;
esac
# cargo-lambda builds both binaries with zig as the linker. It builds forwarder for Lambda's processors, as `sam build`
# does, and jwhook for every processor and for the oldest glibc that Rust supports.
case $binary in
forwarder) options="--release --target $target" ;;
jwhook) options="--profile cli --target $target.2.17 --features cli --disable-optimizations" ;;
*) fail "unknown binary '$binary'. Use forwarder or jwhook" ;;
esac

config=${CARGO_HOME:-$HOME/.cargo}/config.toml
! grep -Eq '^\[(build|target|profile|env)' "$config" 2>/dev/null ||
    fail "$config has settings that would change a release. Remove them for this build, or set CARGO_HOME to another folder"
sh local/venv.sh zig >&2
rust=${RUST_BIN:-$(sh local/release/toolchain.sh)}
cargo_home=${CARGO_HOME:-$HOME/.cargo}
build=$root/target/release-build
mkdir -p "$build"
path=$root/local/release/path:$rust:$root/.venv-zig/bin:$PATH # the rustup in the first folder fails
calls=$build/rustup.calls
: >"$calls"

PATH=$path RUSTUP_CALLS=$calls RUSTC=$rust/rustc RUSTC_WRAPPER='' CARGO_ENCODED_RUSTFLAGS='' CARGO_HOME=$cargo_home \
    "$rust/cargo" fetch --quiet --locked --target "$target" --target "$(uname -m)-unknown-linux-gnu" >&2 ||
    fail "cargo cannot fetch the dependencies (see above). Check the network, then try again."

# If the kernel permits unshare, the build has no network.
offline=
unshare --net true 2>/dev/null && offline="unshare --net"
[ -n "$offline" ] || { unshare --map-root-user --net true 2>/dev/null && offline="unshare --map-root-user --net"; } ||
    echo "note: unshare is missing or not permitted, so the build has a network. cargo must not use it" >&2

# The build gets no variable of the caller, such as RUSTFLAGS or a compiler wrapper. It reads cargo's configuration, which
# may name only sources (see above).
# shellcheck disable=SC2086 # options are separate words
env -i HOME="$HOME" PATH="$path" LANG=C CARGO_HOME="$cargo_home" CARGO_NET_OFFLINE=true \
    CARGO="$rust/cargo" RUSTC="$rust/rustc" RUSTUP_CALLS="$calls" CARGO_TARGET_DIR="$build" \
    CARGO_ZIGBUILD_CACHE_DIR="$build/zig" ZIG_GLOBAL_CACHE_DIR="$build/zig" ZIG_LOCAL_CACHE_DIR="$build/zig" \
    $offline sh local/same_paths.sh cargo-lambda lambda build --quiet --locked --skip-target-check \
    --lambda-dir "$build/$architecture" --bin "$binary" $options >&2 || built=no

[ ! -s "$calls" ] || fail "the build called rustup: $(cat "$calls")
A build must not download a compiler. Find the program that calls rustup, and correct local/release/build.sh."
[ "${built:-yes}" = yes ] || fail "the build of $binary for $architecture failed (see above)"
echo "$build/$architecture/$binary/bootstrap" # cargo-lambda's name for every binary
