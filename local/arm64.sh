#!/bin/sh
# Builds the function for arm64, checks the binary, and runs the demo on it. Exists because arm64 is what is deployed by
# default, and most machines that build it are not arm64: there the demo runs under an emulator of Lambda's Graviton2.
#
#     sh local/arm64.sh
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# The user's own compiler, where it has the standard library for arm64; else the compiler of releases. rustc is asked,
# because rustup could download.
own=$(RUSTUP_AUTO_INSTALL=0 rustc --print sysroot 2>/dev/null || true)
if [ -x "$own/bin/cargo" ] && ls "$own"/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd-*.rlib >/dev/null 2>&1; then
    export RUST_BIN="$own/bin"
elif ! command -v apt-get >/dev/null; then
    fail "this machine cannot build for arm64: Rust's standard library for it is missing, and there is no apt-get.
Install it (rustup target add aarch64-unknown-linux-gnu), or run this on Debian 12."
fi
echo "arm64: built with $("${RUST_BIN:-$(sh local/release/toolchain.sh)}/rustc" --version)"
binary=$(sh local/release/build.sh arm64 forwarder | tail -n 1)
[ -n "$binary" ] || exit 1 # build.sh said why
.venv/bin/python local/release/binary.py "$binary" arm64 forwarder

emulator=
case $(uname -m) in
aarch64 | arm64) ;;
*)
    if command -v qemu-aarch64-static >/dev/null && [ -d /usr/aarch64-linux-gnu ]; then
        usr=/usr
    else
        folder=$(pwd)/target/debian/emulator
        sh local/release/debian.sh local/release/emulator.txt "$folder" ||
            fail "there is no emulator (see above): install qemu-user-static and glibc for arm64 (Debian: libc6-arm64-cross)"
        usr=$folder/usr
        PATH=$folder/usr/bin:$PATH
    fi
    emulator="qemu-aarch64-static -cpu neoverse-n1 -L $usr/aarch64-linux-gnu"
    ;;
esac
FORWARDER="$emulator $binary" .venv/bin/python local/demo.py
