"""`make bench`: compares the function with JW's documented check in Python, and with an empty function.

Run it to get the table of docs/performance.md for your machine. The functions run in turn, so that other load affects
all of them; each figure is the median of the rounds. Milliseconds depend on the machine, ratios much less.

    python -m bench.side_by_side [ROUNDS]
"""

import math
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import certificates, requests
from bench.certificates import Certificates
from bench.life import Function, lived, stay_on_first_core
from bench.services import RUNTIME_API, SECRETS_MANAGER, SQS, Services
from make_events import SECRET
from processes import LocalError, exit_with
from release.binary import zipped
from stack import ROOT, built, forwarder_binary

ROUNDS = 9
WARM_UP, WARM, FORGED = 50, 400, 100
SAMPLE = Path(__file__).with_name("sample")
SAMPLE_PYTHON = ROOT / ".venv-bench" / "bin" / "python"

OURS, DOCUMENTED, NOTHING = "this forwarder", "the documented check in Python", "a function that does nothing"
Figures = dict[str, float]


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    figure: str
    title: str
    scale: float = 1
    digits: int = 0


ROWS = (
    Row("cold", "cold start: start to first answer, ms", 1e3, 1),
    Row("cold_cpu", "its CPU, ms", 1e3, 1),
    Row("cpu", "CPU of an event, µs", 1e6),
    Row("forged_cpu", "CPU of a forged one, µs", 1e6),
    Row("p50", "an event, p50, ms", 1e3, 2),
    Row("p99", "p99, ms", 1e3, 2),
    Row("memory", "peak memory, MB", 1e-6, 1),
    Row("binary", "binary, MB", 1e-6, 1),
    Row("zip", "zip, MB", 1e-6, 1),
    Row("threads", "threads"),
    Row(RUNTIME_API, "connections to the Runtime API"),
    Row(SECRETS_MANAGER, "to Secrets Manager"),
    Row(SQS, "to SQS"),
)
# Lambda gives a whole core to a function with this memory, in MB. The price is that of arm64.
MEMORY_OF_A_CORE, USD_PER_GB_SECOND = 1769, 0.0000133
MEMORIES = (128, 256, 512)
SQS_SECONDS = 0.010  # assumed for SQS's answer, which does not depend on the memory
COUNTED = ("threads", RUNTIME_API, SECRETS_MANAGER, SQS)  # rows without a ratio


def functions() -> dict[str, Function]:
    found = {OURS: Function("forwarder", (str(forwarder_binary()),), ROOT)}
    if sys.platform == "linux":
        runtime = (str(SAMPLE_PYTHON), "-m", "awslambdaric", "handler.handler")
        found[DOCUMENTED] = Function("documented check", runtime, SAMPLE, {"_HANDLER": "handler.handler"})
    else:
        print(f"NOT MEASURED: {DOCUMENTED}, because awslambdaric exists for Linux only", file=sys.stderr)
    found[NOTHING] = Function("nothing", (str(built("release", "examples/nothing", "make bench")),), ROOT)
    return found


def measure(function: Function, given: Certificates, *, checks: bool) -> Figures:
    """Measures one process: a first event, warm events, and forged events if the function `checks` signatures."""
    services = Services(given, SECRET)
    first, *warm_up = requests.accepted(1 + WARM_UP)
    with lived(function, services, given) as life:
        cold = life.send(first)
        figures = {"cold": cold.ended - life.began, "cold_cpu": life.cpu_seconds()}
        life.send_each(warm_up)
        before = life.cpu_seconds()
        answers = life.send_each(requests.accepted(WARM))
        figures["cpu"] = (life.cpu_seconds() - before) / WARM
        if checks:
            # the first forged event causes a recheck of the secret
            life.send_each(requests.forged(1))
            before = life.cpu_seconds()
            life.send_each(requests.forged(FORGED))
            figures["forged_cpu"] = (life.cpu_seconds() - before) / FORGED
        latencies = sorted(answer.seconds for answer in answers)
        figures["p50"], figures["p99"] = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
        figures["memory"], figures["threads"] = life.peak_memory_bytes(), life.threads()
        life.end()
    if checks and len(services.messages) != 1 + WARM_UP + WARM:
        raise LocalError(f"{function.name} sent {len(services.messages)} messages for {1 + WARM_UP + WARM} events")
    return figures | {service: float(services.connections[service]) for service in (RUNTIME_API, SECRETS_MANAGER, SQS)}


def sizes(function: Function) -> Figures:
    binary = Path(function.command[0])
    if len(function.command) > 1:
        return {}  # Python
    return {"binary": binary.stat().st_size, "zip": zipped(binary)}


def table(medians: dict[str, Figures]) -> list[str]:
    lines = [f"| | {' | '.join(medians)} |", f"|---|{'--:|' * len(medians)}"]
    for row in ROWS:
        cells = [cell(row, name, figures, medians[OURS]) for name, figures in medians.items()]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return lines


def cell(row: Row, name: str, figures: Figures, ours: Figures) -> str:
    if row.figure not in figures:
        return "–"
    text = f"{figures[row.figure] * row.scale:,.{row.digits}f}"
    if name == OURS or row.figure in COUNTED:
        return text
    ratio = figures[row.figure] / ours[row.figure]
    return f"{text} ({ratio:.{0 if ratio >= 10 else 1}f} ×)"


def table_of_memories(ours: Figures) -> list[str]:
    """Duration and cost by memory, of which Lambda gives a function its share of a core."""
    rows: dict[str, list[str]] = {"memory, MB": [], "cold start, ms": [], "an event, ms": [], "and SQS's 10 ms": []}
    rows["duration of a million events, USD"] = []
    for memory in MEMORIES:
        share = memory / MEMORY_OF_A_CORE
        duration = ours["cpu"] / share + SQS_SECONDS
        billed = math.ceil(duration * 1000) / 1000
        cells = (
            f"{memory}",
            f"{ours['cold_cpu'] / share * 1000:.0f}",
            f"{ours['cpu'] / share * 1000:.1f}",
            f"{duration * 1000:.1f}",
            f"{billed * memory / 1024 * USD_PER_GB_SECOND * 1e6:.3f}",
        )
        for column, text in zip(rows.values(), cells, strict=True):
            column.append(text)
    lines = [f"| {title} | {' | '.join(cells)} |" for title, cells in rows.items()]
    return [lines[0], f"|---|{'--:|' * len(MEMORIES)}", *lines[1:]]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    stay_on_first_core()
    side = functions()
    measured: dict[str, list[Figures]] = {name: [] for name in side}
    with tempfile.TemporaryDirectory(prefix="jw-webhook-forwarder-") as folder:
        given = certificates.make(Path(folder))
        for number in range(1, rounds + 1):
            print(f"  round {number} of {rounds}", file=sys.stderr, flush=True)
            for name, function in side.items():
                measured[name].append(measure(function, given, checks=name != NOTHING))
    medians = {
        name: {figure: statistics.median(life[figure] for life in lives) for figure in lives[0]} | sizes(side[name])
        for name, lives in measured.items()
    }
    print("\n".join([*table(medians), "", *table_of_memories(medians[OURS])]))
    return 0


if __name__ == "__main__":
    exit_with(main)
