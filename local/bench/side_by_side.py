"""`make bench`: compares the function with JW's documented check in Python, and with an empty function.

Run it to get the table of docs/performance.md for your machine. Ratios depend on the machine much less than times.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from bench import certificates, requests
from bench.certificates import Certificates
from bench.instance import Function, run
from bench.services import RUNTIME_API, SECRETS_MANAGER, SQS
from make_events import SECRET
from processes import ROOT, LocalError, exit_with
from release.archive import EXECUTABLE, Member, zipped
from stack import built, forwarder_binary

ROUNDS = 9
WARM_UP, WARM, FORGED = 50, 400, 100
SAMPLE = Path(__file__).with_name("sample")
PYTHON = (str(ROOT / ".venv-bench" / "bin" / "python"), "-m", "awslambdaric", "handler.handler")

OURS, DOCUMENTED, NOTHING = "this forwarder", "the documented check in Python", "a function that does nothing"
Figures = dict[str, float]

# The rows of the table: each figure with its title, scale and number of digits.
ROWS = {
    "cold": ("cold start: start to first answer, ms", 1e3, 1),
    "cold_cpu": ("its CPU, ms", 1e3, 1),
    "cpu": ("CPU of an event, µs", 1e6, 0),
    "forged_cpu": ("CPU of a forged one, µs", 1e6, 0),
    "p50": ("an event, p50, ms", 1e3, 2),
    "p99": ("p99, ms", 1e3, 2),
    "memory": ("peak memory, MB", 1e-6, 1),
    "binary": ("binary, MB", 1e-6, 1),
    "zip": ("zip, MB", 1e-6, 1),
    "threads": ("threads", 1, 0),
    RUNTIME_API: ("connections to the Runtime API", 1, 0),
    SECRETS_MANAGER: ("to Secrets Manager", 1, 0),
    SQS: ("to SQS", 1, 0),
}
COUNTED = ("threads", RUNTIME_API, SECRETS_MANAGER, SQS)  # rows without a ratio


def functions() -> dict[str, Function]:
    return {
        OURS: Function("forwarder", (str(forwarder_binary()),)),
        DOCUMENTED: Function("documented check", PYTHON, SAMPLE, {"_HANDLER": "handler.handler"}),
        NOTHING: Function("nothing", (str(built("release", "examples/nothing", "make bench")),)),
    }


def measure(function: Function, given: Certificates, *, checks: bool) -> Figures:
    """Measures one process with a first event and warm events, and with forged ones if the function `checks` them."""
    first, *warm_up = requests.accepted(1 + WARM_UP)
    with run(function, given, SECRET) as instance:
        (cold,) = instance.send([first])
        figures = {"cold": cold.ended - instance.began, "cold_cpu": instance.cpu_seconds()}
        instance.send(warm_up)
        before = instance.cpu_seconds()
        answers = instance.send(requests.accepted(WARM))
        figures["cpu"] = (instance.cpu_seconds() - before) / WARM
        if checks:
            # the first forged event causes a recheck of the secret
            instance.send(requests.forged(1))
            before = instance.cpu_seconds()
            instance.send(requests.forged(FORGED))
            figures["forged_cpu"] = (instance.cpu_seconds() - before) / FORGED
        latencies = sorted(answer.ended - answer.began for answer in answers)
        figures["p50"], figures["p99"] = latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100]
        figures["memory"], figures["threads"] = instance.peak_memory_bytes(), instance.threads()
    services = instance.services
    if checks and len(services.messages) != 1 + WARM_UP + WARM:
        raise LocalError(f"{function.name} sent {len(services.messages)} messages for {1 + WARM_UP + WARM} events")
    return figures | {service: services.connections[service] for service in (RUNTIME_API, SECRETS_MANAGER, SQS)}


def sizes(name: str, function: Function) -> Figures:
    if name == DOCUMENTED:
        return {}
    binary = Path(function.command[0]).read_bytes()
    return {"binary": len(binary), "zip": len(zipped(Member("bootstrap", binary, EXECUTABLE)))}


def table(medians: dict[str, Figures]) -> list[str]:
    lines = [f"| | {' | '.join(medians)} |", f"|---|{'--:|' * len(medians)}"]
    for figure, (title, *_) in ROWS.items():
        cells = [cell(figure, name, figures, medians[OURS]) for name, figures in medians.items()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def cell(figure: str, name: str, figures: Figures, ours: Figures) -> str:
    if figure not in figures:
        return "–"
    _, scale, digits = ROWS[figure]
    text = f"{figures[figure] * scale:,.{digits}f}"
    if name == OURS or figure in COUNTED:
        return text
    ratio = figures[figure] / ours[figure]
    return f"{text} ({ratio:.{0 if ratio >= 10 else 1}f} ×)"


def main() -> int:
    side = functions()
    measured: dict[str, list[Figures]] = {name: [] for name in side}
    with tempfile.TemporaryDirectory() as folder:
        given = certificates.make(Path(folder))
        # the functions run in turn, so that other load on the machine affects all of them
        for number in range(1, ROUNDS + 1):
            print(f"  round {number} of {ROUNDS}", file=sys.stderr, flush=True)
            for name, function in side.items():
                measured[name].append(measure(function, given, checks=name != NOTHING))
    medians = {
        name: {figure: statistics.median(one[figure] for one in each) for figure in each[0]} | sizes(name, side[name])
        for name, each in measured.items()
    }
    print("\n".join(table(medians)))
    return 0


if __name__ == "__main__":
    exit_with(main)
