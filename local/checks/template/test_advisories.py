"""Tests the output and the exit code of `make advisories`, with the advisory database and without it."""

import unittest
from subprocess import CompletedProcess

import fake

FETCH_HANGS = '[ "$3" != fetch ] || exec sleep 60'
FETCH_FAILS = '[ "$3" != fetch ] || { echo "error: host not found" >&2; exit 1; }'


def advisories(deny: str, required: str = "") -> CompletedProcess[str]:
    """Runs local/checks/advisories.sh. `deny` is the script of a fake cargo-deny. A fake cargo does nothing."""
    programs = {"cargo-deny": f'echo "cargo-deny $*"\n{deny}', "cargo": ""}
    settings = {"CARGO_DENY": "cargo-deny", "ADVISORIES_SECONDS": "2", "REQUIRE_ADVISORIES": required}
    return fake.run(programs, *fake.script("checks/advisories.sh"), **settings)


class Advisories(unittest.TestCase):
    def test_both_lock_files_are_checked(self) -> None:
        done = advisories("")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(
            done.stdout,
            "cargo-deny --locked --offline --manifest-path Cargo.toml --config deny.toml check advisories\n"
            "cargo-deny --locked --offline --manifest-path fuzz/Cargo.toml --config deny.toml check advisories\n",
        )

    def test_advisory_fails_the_check(self) -> None:
        for manifest in ("Cargo.toml", "fuzz/Cargo.toml"):
            finding = f'case "$*" in *"--manifest-path {manifest} "*) exit 1 ;; esac'
            for required in ("0", "1"):
                self.assertEqual(advisories(finding, required).returncode, 1, manifest)

    def test_missing_database_is_reported_and_fails_the_check_if_it_is_required(self) -> None:
        for deny, reason in {FETCH_FAILS: "error: host not found", FETCH_HANGS: "no answer within 2 s"}.items():
            for required, code in (("", 0), ("0", 0), ("1", 1)):
                done = advisories(deny, required)
                self.assertEqual(done.returncode, code, done)
                self.assertIn("NOT CHECKED: known vulnerabilities and withdrawn versions", done.stdout)
                self.assertIn(reason, done.stdout)
