"""Three rulers for one stall: why the way of measuring decides what a stall looks like.

Question: A shop stands still for two seconds under load; which waits does each way of measuring report?

Hypothesis: Locust's closed loop hardly notices: its five users wait with the shop and ask nothing meanwhile, so five
slow answers stand among a thousand. The open loop sends what is due all the same, and sees two hundred people wait;
from the intended start it would see them even if it were late in sending.

Load: 100 requests a second for 12 s, once by Locust's own closed-loop users (five who think 0.05 s), once by open
arrivals at a constant rate. In both the monolith's application is frozen (SIGSTOP) from second 4 to second 6.

What is held equal: The build, the data, the rate, the stall.

How to read it: Compare the p99 of the three. All three saw the same two seconds; a ruler that reports some tens of
milliseconds has measured its own patience.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import threading
from pathlib import Path

from deploy.model.home import REPOSITORY
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.generator import Beside, GeneratorFailed
from loadtests.engine.rows import bare
from loadtests.engine.study import PRODUCTS, Study
from loadtests.engine.trial import Load, run_trial
from loadtests.measure.latency import LatencyHistogram
from loadtests.report.result import Latency, Result, Run
from loadtests.report.summary import latency_of
from loadtests.report.words import number

BUILD, STALLED = "monolith", "web"
DURATION_S = 12.0
OPEN = Load(100.0, DURATION_S, 2.0, "browsing", extra=("--arrivals", "constant"))
STALL_FROM_S, STALL_S = 4.0, 2.0
USERS = 5
# Five users who think 0.05 s between requests ask about 100 times a second, as long as they are answered.
THINK_S = USERS / OPEN.rate
LOCUST_STARTS_S = 1.0


def run(study: Study) -> Result:
    """Stall one build twice and measure each stall."""
    study.progress.plan(2)
    with arms_up([BUILD], study.budget, keep=False) as arms:
        arm = arms[BUILD]
        arm.fresh_data(PRODUCTS)
        closed = _closed(study, arm)
        study.progress.done(f"Locust's closed loop, from the send: p99 {closed['p99']:.0f} ms")
        arm.reconcile(None)
        trial = run_trial(study, arm, OPEN, pair=1, seed=study.seed, meanwhile=lambda load: _stall(arm, load))
        rows = [row for row in trial.rows() if row.due_s >= 0]
    send, due = (LatencyHistogram.of([getattr(row, kind) for row in rows]) for kind in ("service_ms", "latency_ms"))
    whole, by_ruler = study.runs.pop(), {"open-from-send": send, "open-from-due": due}
    study.runs.append(_ruler(1, "closed-loop", closed))
    for place, (ruler, histogram) in enumerate(by_ruler.items(), 2):
        study.runs.append(_ruler(place, ruler, latency_of(histogram), histogram))
    books = ("reconciled", "violations", "reconciliation")
    study.runs[-1].update({name: whole[name] for name in books})  # type: ignore[literal-required, typeddict-item]
    return study.result(answer=answer(closed, latency_of(send), latency_of(due)), comparison={}, findings={})


def _stall(arm: Arm, load: Beside) -> None:
    """Freeze the application after a while, and let it go on two seconds later."""
    load.wait_until(STALL_FROM_S)
    arm.runner.pause(STALLED)
    load.wait_until(STALL_FROM_S + STALL_S)
    arm.runner.resume(STALLED)


def _closed(study: Study, arm: Arm) -> Latency:
    """Let plain Locust measure, and return what its own statistics say."""
    folder = study.raw_folder(1, "closed")
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    command += ["-u", str(USERS), "-r", str(USERS), "-t", f"{DURATION_S:.0f}s", "--think", f"{THINK_S:g}"]
    command += ["--host", arm.runner.address, "--tokens-from", arm.parties.identity, "--csv", str(folder / "locust")]
    from_s = LOCUST_STARTS_S + STALL_FROM_S
    timers = [threading.Timer(from_s, arm.runner.pause, [STALLED]),
              threading.Timer(from_s + STALL_S, arm.runner.resume, [STALLED])]  # fmt: skip
    for timer in timers:
        timer.start()
    process = subprocess.run(
        [*command, "Shopper"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=DURATION_S + 60
    )  # fmt: skip
    for timer in timers:
        timer.join()
    return read_locust(folder / "locust_stats.csv", process.stderr)


def read_locust(path: Path, output: str = "") -> Latency:
    """Return the percentiles of Locust's own statistics. Raises GeneratorFailed."""
    if not path.exists():
        raise GeneratorFailed(f"Locust left no statistics:\n{output[-2000:]}")
    with path.open(newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    p50, p95, p99, longest = (float(row[name]) for name in ("50%", "95%", "99%", "Max Response Time"))
    return {"p50": p50, "p95": p95, "p99": p99, "max": longest}


def _ruler(number: int, ruler: str, latency: Latency, histogram: LatencyHistogram | None = None) -> Run:
    units = histogram.count if histogram else 0
    row = bare(number, ruler, 1, "mix", units)
    row |= {"rate_target": OPEN.rate, "rate_achieved": units / DURATION_S, "latency_ms": latency}
    if histogram:
        row["histograms"] = {"all": histogram.encode()}
    return row


def answer(closed: Latency, send: Latency, due: Latency) -> list[str]:
    """Return the answer in two sentences."""
    return [
        f"One stall of {STALL_S:.0f} s, three p99: {number(closed['p99'])} ms by Locust's closed loop, "
        f"{number(send['p99'])} ms by open arrivals from the send, {number(due['p99'])} ms from the intended start.",
        "Open arrivals tell what customers wait; the closed loop's users stood still with the shop and asked nothing.",
    ]
