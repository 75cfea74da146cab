"""Reads, writes and compares the recorded figures, counts.toml. Other modules import this file."""

from dataclasses import dataclass
from pathlib import Path

from processes import tomllib

PATH = Path(__file__).with_name("counts.toml")
TOLERANCE = 0.03  # ten times the difference between two runs
HEAD = """\
# `make counts ARGS=--record` writes this file. CI runs `make counts`, which fails if a figure grows by more than 3 %.
# Valgrind counts instructions on x86_64 Linux. A crate below 0.2 % of a figure is not listed.
"""

Crates = dict[str, int]


@dataclass
class Record:
    figures: dict[str, int]
    crates: dict[str, Crates]


def read() -> Record:
    document = tomllib.loads(PATH.read_text(encoding="utf-8"))
    return Record(document["figures"], document["crates"])


def write(record: Record) -> None:
    lines = [HEAD, "[figures]", *(f"{name} = {figure:_}" for name, figure in record.figures.items())]
    for name, crates in record.crates.items():
        lines += ["", f"[crates.{name}]"]
        least = sum(crates.values()) / 500
        lines += [f'"{crate}" = {count:_}' for crate, count in crates.items() if count >= least]
    PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")


def grown(recorded: dict[str, int], now: dict[str, int]) -> list[str]:
    """The names of the figures that are higher than recorded by more than TOLERANCE."""
    return [name for name in now if now[name] > recorded[name] * (1 + TOLERANCE)]


def shrunk(recorded: dict[str, int], now: dict[str, int]) -> list[str]:
    """The names of the figures that are much lower than recorded. Until they are recorded, a growth is not noticed."""
    return [name for name in now if now[name] < recorded[name] * (1 - TOLERANCE)]


def what_grew(recorded: Crates, now: Crates, most: int = 6) -> list[str]:
    """A line for each crate that grew, the largest growth first."""
    growth = {crate: count - recorded.get(crate, 0) for crate, count in now.items()}
    total = sum(count for count in growth.values() if count > 0)
    lines = []
    for crate in sorted(growth, key=lambda crate: growth[crate], reverse=True)[:most]:
        if growth[crate] > total / 50:
            before = f"{recorded[crate]:,}" if crate in recorded else "not in the record"
            lines.append(f"    {crate:<24} {growth[crate]:>+13,}   ({before} -> {now[crate]:,})")
    return lines


def change(recorded: float, now: float) -> str:
    return f"{(now - recorded) / recorded:+.1%}"
