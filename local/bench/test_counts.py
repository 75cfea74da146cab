"""Tests that `make counts` notices a growth and names the crate: part of `make counts`."""

import tempfile
import unittest
from pathlib import Path

from bench import callgrind, record

REGISTRY = "/home/somebody/.cargo/registry/src/index-0123456789abcdef"
# In this profile, serde_json's `parse` has an inlined line of the standard library, and calls memcpy in libc.
PROFILE = f"""\
version: 1
positions: line
events: Ir

ob=(1) /target/counted/release/forwarder
fl=(1) {REGISTRY}/serde_json-1.0.154/src/read.rs
fn=(1) serde_json::read::parse
10 100
+1 20
fi=(2) /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/num/mod.rs
500 7
fe=(1)
cob=(2) /usr/lib/x86_64-linux-gnu/libc.so.6
cfi=(3) ./string/memmove.S
cfn=(2) memcpy
calls=3 77
12 3000
13 1

ob=(2)
fl=(3)
fn=(2)
77 3000

ob=(1)
fl=(4) ???
fn=(3) ring_core_0_17_14__sha256_block_data_order_avx
1 50

fl=(5) src/token.rs
fn=(4) jw_webhook_forwarder::token::verify
* 4

summary: 3182
"""


class InstructionsByCrate(unittest.TestCase):
    def test_instruction_counts_once_for_the_crate_of_its_source_line(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            profile = Path(folder, "profile")
            profile.write_text(PROFILE, encoding="utf-8")
            expected = {"serde_json": 128, "libc": 3000, "ring": 50, "jw-webhook-forwarder": 4}
            self.assertEqual(callgrind.by_crate(profile), expected)
            self.assertEqual(callgrind.total(profile), sum(expected.values()))


class ComparisonWithTheRecord(unittest.TestCase):
    def test_growth_above_three_per_cent_is_reported(self) -> None:
        recorded = {"first_answer": 1000, "warm_event": 1000}
        self.assertEqual(record.grown(recorded, {"first_answer": 1030, "warm_event": 1031}), ["warm_event"])

    def test_decrease_above_three_per_cent_is_reported(self) -> None:
        recorded = {"first_answer": 1000, "warm_event": 1000}
        self.assertEqual(record.shrunk(recorded, {"first_answer": 970, "warm_event": 969}), ["warm_event"])

    def test_crates_are_listed_by_growth(self) -> None:
        recorded = {"rustls": 500, "tokio": 300, "http": 100}
        lines = record.what_grew(recorded, {"rustls": 700, "tokio": 290, "http": 101, "jitterentropy": 9000})
        self.assertEqual([line.split()[0] for line in lines], ["jitterentropy", "rustls"])
        self.assertIn("+9,000   (not in the record -> 9,000)", lines[0])
        self.assertIn("+200   (500 -> 700)", lines[1])

    def test_record_has_every_figure(self) -> None:
        recorded = record.read()
        self.assertEqual(
            list(recorded.figures),
            ["first_answer", "warm_event", "warm_event_spelled_otherwise", "forged_event", "binary_bytes"],
        )
        self.assertEqual([*recorded.crates, "binary_bytes"], list(recorded.figures))


if __name__ == "__main__":
    unittest.main()
