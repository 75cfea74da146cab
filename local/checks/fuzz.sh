#!/bin/sh
# `make fuzz`: fuzzes each target, starting with fuzz/seeds. Run it after a change of a parser. The corpus
# stays in target/fuzz. The targets have no sanitizer, because stable Rust has none and the crate forbids unsafe code.
#
#     sh local/checks/fuzz.sh SECONDS [TARGET]...
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
shift
[ $# -gt 0 ] || set -- token json authorization request batch
PATH="$(pwd)/target/tools/bin:$PATH"

cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null # cargo-fuzz has no --locked
cargo fuzz build --sanitizer none --target-dir target/fuzz
for target in "$@"; do
    corpus=target/fuzz/corpus/$target log=target/fuzz/$target.log
    mkdir -p "$corpus"
    # stdout would get a log line for each request
    if ! cargo fuzz run --sanitizer none --target-dir target/fuzz "$target" "$corpus" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -max_len=8192 -print_final_stats=1 >/dev/null 2>"$log"; then
        tail -n 80 "$log" >&2
        echo "error: fuzzing $target failed (see above). Add a test with the input in fuzz/artifacts/$target" >&2
        exit 1
    fi
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf 'fuzz: %-13s %10s inputs in %s s, nothing found\n' "$target" "$inputs" "$seconds"
done
