"""`make plot`: measures CPU time by size of the body, size of the key ring and concurrent requests.

Run it after a change that may affect large inputs, for example a cost that grows with the square of the body's size. It
prints the figures and draws docs/growth.svg, which docs/performance.md shows.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import certificates, requests
from bench.certificates import Certificates
from bench.chart import Panel, draw
from bench.life import Function, lived, stay_on_first_core
from bench.requests import Event
from bench.services import Services
from make_events import OTHER_SECRET, SECRET
from processes import exit_with
from stack import ROOT, forwarder_binary

ROUNDS = 7
WARM_UP, WARM = 50, 300
SQS_SECONDS = 0.005  # the emulated SQS takes this long, so that requests overlap
BODIES = (0.2, 1, 5, 20, 50, 100, 200)  # kB
RINGS = (1, 10, 50, 100, 200, 350, 500)  # webhooks
AT_ONCE = (1, 2, 4, 8, 16, 32)  # requests
PLOT = ROOT / "docs" / "growth.svg"

Microseconds = dict[float, float]


@dataclass
class Growth:
    axis: str
    values: tuple[float, ...]
    measure: Callable[[Certificates, float], float]


def with_body(given: Certificates, kilobytes: float) -> float:
    return cpu(given, requests.accepted(WARM, size=int(kilobytes * 1000)))


def with_ring(given: Certificates, webhooks: float) -> float:
    others = {f"other{number:03}": f"{OTHER_SECRET} {number:03}" for number in range(int(webhooks) - 1)}
    return cpu(given, requests.accepted(WARM), secret=json.dumps({**others, requests.WEBHOOK: SECRET}))


def with_others(given: Certificates, at_once: float) -> float:
    return cpu(given, requests.accepted(WARM), at_once=int(at_once), sqs_seconds=SQS_SECONDS)


def cpu(
    given: Certificates, events: list[Event], *, secret: str = SECRET, at_once: int = 1, sqs_seconds: float = 0
) -> float:
    """The CPU time of an event, in a new process whose connections are open."""
    services = Services(given, secret, sqs_seconds)
    function = Function(
        "forwarder",
        (str(forwarder_binary()),),
        ROOT,
        {"AWS_LAMBDA_MAX_CONCURRENCY": str(at_once)} if at_once > 1 else {},
    )
    with lived(function, services, given) as life:
        life.send_all(requests.accepted(WARM_UP + 4 * at_once), at_once)
        life.settle()
        before = life.cpu_seconds()
        life.send_all(events, at_once)
        life.settle()
        spent = life.cpu_seconds() - before
        life.end()
    return spent / len(events) * 1e6


GROWTHS = (
    Growth("body, kB", BODIES, with_body),
    Growth("key ring, webhooks", RINGS, with_ring),
    Growth("requests at once", AT_ONCE, with_others),
)


def table(measured: Iterable[tuple[Growth, Microseconds]]) -> list[str]:
    lines = []
    for growth, points in measured:
        lines += [
            "",
            row(growth.axis, [f"{value:g}" for value in points]),
            f"|---|{'--:|' * len(points)}",
            row("CPU of an event, µs", [f"{microseconds:,.0f}" for microseconds in points.values()]),
        ]
    return lines[1:]


def row(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def main() -> int:
    stay_on_first_core()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    spent: list[dict[float, list[float]]] = [{value: [] for value in growth.values} for growth in GROWTHS]
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        given = certificates.make(Path(folder))
        for number in range(1, rounds + 1):
            print(f"  round {number} of {rounds}", file=sys.stderr, flush=True)
            for growth, lives in zip(GROWTHS, spent, strict=True):
                for value in growth.values:
                    lives[value].append(growth.measure(given, value))
    medians = [{value: statistics.median(lives[value]) for value in lives} for lives in spent]
    print("\n".join(table(zip(GROWTHS, medians, strict=True))))
    panels = [Panel(growth.axis, points) for growth, points in zip(GROWTHS, medians, strict=True)]
    PLOT.parent.mkdir(exist_ok=True)
    PLOT.write_text(draw(panels, "CPU of an event, µs"), encoding="utf-8")
    print(f"\nwritten: {PLOT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    exit_with(main)
