"""What `make advisories` says and returns where the advisory database is reached, and where it is not."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from translated import ROOT

FETCH_HANGS = '[ "$3" != fetch ] || exec sleep 60'
FETCH_FAILS = '[ "$3" != fetch ] || { echo "error: host not found" >&2; exit 1; }'


def advisories(deny: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs local/advisories.sh with this cargo-deny."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "cargo-deny")
        program.write_text(f'#!/bin/sh\necho "cargo-deny $*"\n{deny}\n')
        program.chmod(0o755)
        Path(folder, "cargo").write_text("#!/bin/sh\n")  # which would download the dependencies
        Path(folder, "cargo").chmod(0o755)
        environ = {name: value for name, value in os.environ.items() if name != "REQUIRE_ADVISORIES"}
        environ |= {"PATH": f"{folder}:{os.environ['PATH']}", "CARGO_DENY": str(program), "ADVISORIES_SECONDS": "2", **environment}
        command = ["sh", str(ROOT / "local" / "advisories.sh")]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)


class Advisories(unittest.TestCase):
    def test_are_checked_for_both_lock_files_once_the_database_is_there(self) -> None:
        done = advisories("")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(
            done.stdout,
            "cargo-deny --locked --offline --manifest-path Cargo.toml --config deny.toml check advisories\n"
            "cargo-deny --locked --offline --manifest-path fuzz/Cargo.toml --config deny.toml check advisories\n",
        )

    def test_that_are_found_fail_wherever_they_are_checked(self) -> None:
        for manifest in ("Cargo.toml", "fuzz/Cargo.toml"):
            finding = f'case "$*" in *"--manifest-path {manifest} "*) exit 1 ;; esac'
            for required in ("0", "1"):
                self.assertEqual(advisories(finding, REQUIRE_ADVISORIES=required).returncode, 1, manifest)

    def test_are_said_to_be_unchecked_without_the_database_and_fail_only_where_they_count(self) -> None:
        for deny, reason in {FETCH_FAILS: "error: host not found", FETCH_HANGS: "no answer within 2 s"}.items():
            for environment, code in (({}, 0), ({"REQUIRE_ADVISORIES": "0"}, 0), ({"REQUIRE_ADVISORIES": "1"}, 1)):
                done = advisories(deny, **environment)
                self.assertEqual(done.returncode, code, done)
                self.assertIn("NOT CHECKED: known vulnerabilities and withdrawn versions", done.stdout)
                self.assertIn(reason, done.stdout)


if __name__ == "__main__":
    unittest.main()
