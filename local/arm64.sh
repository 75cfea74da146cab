#!/bin/sh
# `make arm64`: builds the function for arm64, checks the binary and runs the demo. Run it before a release, because
# arm64 is the default architecture. On another machine the demo runs under an emulator of Lambda's Graviton2.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# If the user's compiler has the standard library for arm64, this script uses that compiler, otherwise the compiler of
# releases. It asks rustc and not rustup, because rustup might download a compiler.
own=$(RUSTUP_AUTO_INSTALL=0 rustc --print sysroot 2>/dev/null || true)
if [ -x "$own/bin/cargo" ] && ls "$own"/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd-*.rlib >/dev/null 2>&1; then
    export RUST_BIN="$own/bin"
elif ! command -v apt-get >/dev/null; then
    fail "this machine cannot build for arm64: Rust's standard library for arm64 and apt-get are missing.
Run \`rustup target add aarch64-unknown-linux-gnu\`, or use Debian 12."
fi
echo "arm64: built with $("${RUST_BIN:-$(sh local/release/toolchain.sh)}/rustc" --version)"
binary=$(sh local/release/build.sh arm64 forwarder | tail -n 1)
[ -n "$binary" ] || exit 1 # build.sh has printed the reason
PYTHONPATH=local .venv/bin/python -m release.binary "$binary" arm64 forwarder

emulator=
case $(uname -m) in
aarch64 | arm64) ;;
*)
    if command -v qemu-aarch64-static >/dev/null && [ -d /usr/aarch64-linux-gnu ]; then
        usr=/usr
    else
        folder=$(pwd)/target/debian/emulator
        sh local/release/debian.sh local/release/emulator.txt "$folder" ||
            fail "the emulator is missing (see above). Install qemu-user-static and glibc for arm64 (Debian: libc6-arm64-cross)"
        usr=$folder/usr
        PATH=$folder/usr/bin:$PATH
    fi
    emulator="qemu-aarch64-static -cpu neoverse-n1 -L $usr/aarch64-linux-gnu"
    ;;
esac
FORWARDER="$emulator $binary" .venv/bin/python local/demo.py
