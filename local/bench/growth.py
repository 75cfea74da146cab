"""`make plot`: measures how an event's CPU time grows with the body, the key ring and concurrent requests.

Run it after a change that may affect large inputs. It prints the figures and draws docs/growth.svg for
docs/performance.md.
"""

import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import certificates, requests
from bench.certificates import Certificates
from bench.chart import Panel, draw
from bench.instance import Function, run
from make_events import OTHER_SECRET, SECRET
from processes import ROOT, exit_with
from stack import forwarder_binary

ROUNDS = 7
WARM_UP, WARM = 50, 300


def with_body(given: Certificates, kilobytes: float) -> float:
    return cpu(given, size=int(kilobytes * 1000))


def with_ring(given: Certificates, webhooks: float) -> float:
    others = {f"other{number:03}": f"{OTHER_SECRET} {number:03}" for number in range(int(webhooks) - 1)}
    return cpu(given, secret=json.dumps({**others, requests.WEBHOOK: SECRET}))


def concurrent(given: Certificates, at_once: float) -> float:
    # the emulated SQS takes 5 ms for a message, so that requests overlap
    return cpu(given, at_once=int(at_once), sqs_seconds=0.005)


def cpu(given: Certificates, *, size: int = 0, secret: str = SECRET, at_once: int = 1, sqs_seconds: float = 0) -> float:
    """Starts the function, opens its connections, and returns the CPU time of a later event in microseconds."""
    settings = {"AWS_LAMBDA_MAX_CONCURRENCY": str(at_once)} if at_once > 1 else {}
    function = Function("forwarder", (str(forwarder_binary()),), settings=settings)
    with run(function, given, secret, sqs_seconds=sqs_seconds) as instance:
        instance.send(requests.accepted(WARM_UP + 4 * at_once), at_once)
        before = instance.cpu_seconds()
        instance.send(requests.accepted(WARM, size=size), at_once)
        return (instance.cpu_seconds() - before) / WARM * 1e6


MEASURES: dict[str, tuple[tuple[float, ...], Callable[[Certificates, float], float]]] = {
    "body, kB": ((0.2, 1, 5, 20, 50, 100, 200), with_body),
    "key ring, webhooks": ((1, 10, 50, 100, 200, 350, 500), with_ring),
    "requests at once": ((1, 2, 4, 8, 16, 32), concurrent),
}


def main() -> int:
    measured: dict[tuple[str, float], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        given = certificates.make(Path(folder))
        for number in range(1, ROUNDS + 1):
            print(f"  round {number} of {ROUNDS}", file=sys.stderr, flush=True)
            for axis, (values, measure) in MEASURES.items():
                for value in values:
                    measured[axis, value].append(measure(given, value))
    panels = [
        Panel(axis, {value: statistics.median(measured[axis, value]) for value in values})
        for axis, (values, _) in MEASURES.items()
    ]
    for panel in panels:
        print(f"{panel.x_title}: µs of CPU per event")
        print("".join(f"{value:>12g}{cpu:10,.0f}\n" for value, cpu in panel.points.items()))
    (ROOT / "docs" / "growth.svg").write_text(draw(panels, "CPU of an event, µs"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    exit_with(main)
