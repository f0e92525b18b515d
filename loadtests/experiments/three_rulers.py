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
from collections.abc import Sequence
from pathlib import Path

from deploy.model.home import REPOSITORY
from loadtests.engine import generator
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.generator import GeneratorFailed
from loadtests.engine.rows import bare, note_books
from loadtests.engine.study import PRODUCTS, Study
from loadtests.load.generator.record import Row, read_rows
from loadtests.measure.latency import LatencyHistogram
from loadtests.report.result import Latency, Result
from loadtests.report.summary import latency_of
from loadtests.report.words import number

BUILD, STALLED = "monolith", "web"
RATE = 100
DURATION_S = 12.0
STALL_FROM_S, STALL_S = 4.0, 2.0
USERS = 5
# Five users who think 0.05 s between requests ask about 100 times a second, as long as they are answered.
THINK_S = USERS / RATE
RULERS = {
    "closed-loop": "Locust's closed loop, from the send",
    "open-from-send": "open arrivals, from the send",
    "open-from-due": "open arrivals, from the intended start",
}


def run(study: Study) -> Result:
    """Stall one build twice and measure each stall."""
    study.narrator.plan(2)
    with arms_up([BUILD], study.budget, keep=False) as arms:
        arm = arms[BUILD]
        arm.fresh_data(PRODUCTS)
        closed = _closed(study, arm)
        study.narrator.done(f"{RULERS['closed-loop']}: p99 {closed['p99']:.0f} ms")
        arm.reconcile(None)
        arm.fresh_data(PRODUCTS)
        rows = [row for row in _open(study, arm) if row.due_s >= 0]
        outcome, _ = arm.reconcile(study.folder / "run-02-open" / "orders.jsonl")
    send = LatencyHistogram.of([row.service_ms for row in rows])
    due = LatencyHistogram.of([row.latency_ms for row in rows])
    study.narrator.done(f"{RULERS['open-from-due']}: p99 {due.percentile(99):.0f} ms")
    _add(study, "closed-loop", closed, None)
    _add(study, "open-from-send", latency_of(send), send)
    _add(study, "open-from-due", latency_of(due), due)
    note_books(study.runs[-1], outcome)
    return study.result(answer=answer(closed, latency_of(send), latency_of(due)), comparison={}, findings={})


def _stall(arm: Arm, after_s: float) -> Sequence[threading.Timer]:
    """Freeze the application after a while, and let it go on two seconds later."""
    timers = [
        threading.Timer(after_s, arm.runner.pause, [STALLED]),
        threading.Timer(after_s + STALL_S, arm.runner.resume, [STALLED]),
    ]
    for timer in timers:
        timer.start()
    return timers


def _open(study: Study, arm: Arm) -> list[Row]:
    folder = study.raw_folder(2, "open")
    order = generator.open_arrivals(
        arm.runner.address, arm.parties.identity, folder, profile=f"{RATE}x{DURATION_S:g}", duration_s=DURATION_S,
        mix="browsing", seed=study.seed, warm_up_s=2, cores=arm.budget.other, extra=["--arrivals", "constant"],
    )  # fmt: skip
    timers: list[threading.Timer] = []
    generator.run(order, lambda: timers.extend(_stall(arm, STALL_FROM_S)))
    for timer in timers:
        timer.join()
    return read_rows(folder / "requests.csv.gz")


def _closed(study: Study, arm: Arm) -> Latency:
    """Let plain Locust measure, and return what its own statistics say."""
    folder = study.raw_folder(1, "closed")
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary"]
    command += ["-u", str(USERS), "-r", str(USERS), "-t", f"{DURATION_S:.0f}s", "--think", f"{THINK_S:g}"]
    command += ["--host", arm.runner.address, "--tokens-from", arm.parties.identity, "--csv", str(folder / "locust")]
    timers = _stall(arm, STALL_FROM_S + 1)  # Locust takes about a second to start
    done = subprocess.run(
        [*command, "Shopper"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=DURATION_S + 60
    )  # fmt: skip
    for timer in timers:
        timer.join()
    return read_locust(folder / "locust_stats.csv", done.stderr)


def read_locust(path: Path, said: str = "") -> Latency:
    """Return the percentiles of Locust's own statistics. Raises GeneratorFailed."""
    if not path.exists():
        raise GeneratorFailed(f"Locust left no statistics:\n{said[-2000:]}")
    with path.open(newline="") as file:
        (row,) = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated"]
    return {
        "p50": float(row["50%"]), "p95": float(row["95%"]), "p99": float(row["99%"]),
        "max": float(row["Max Response Time"]),
    }  # fmt: skip


def _add(study: Study, ruler: str, latency: Latency, histogram: LatencyHistogram | None) -> None:
    units = histogram.count if histogram else 0
    row = bare(study.next_number, ruler, 1, "mix", units)
    row |= {"rate_target": float(RATE), "rate_achieved": units / DURATION_S, "latency_ms": latency}
    if histogram:
        row["histograms"] = {"all": histogram.encode()}
    study.runs.append(row)


def answer(closed: Latency, send: Latency, due: Latency) -> list[str]:
    """Return the answer in two sentences."""
    return [
        f"One stall of {STALL_S:.0f} s, three p99: {number(closed['p99'])} ms by Locust's closed loop, "
        f"{number(send['p99'])} ms by open arrivals from the send, {number(due['p99'])} ms from the intended start.",
        "Open arrivals tell what customers wait; the closed loop's users stood still with the shop and asked nothing.",
    ]
