"""Finds roughly how much a build can take: one ramp of a few seconds, and where its latency leaves the ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.experiments import generator
from loadtests.experiments.arm import Arm
from loadtests.generator.record import FAILED, Row, read_rows

RAMP_S = 6.0
FROM_RATE = 20.0
TO_RATE = 500.0  # a laptop core takes less of either build, or the rate is high enough anyway
WINDOW_S = 0.5
# A build that keeps up answers most requests far below this; one that does not passes it within a second.
BOUND_MS = 250.0
MAX_ERROR_SHARE = 0.01
LOWEST_RATE = 20.0


def probe(arm: Arm, folder: Path, *, mix: str, seed: int) -> float:
    """Return the rate (arrivals/s) up to which a ramp was answered in time. Good enough to choose a rate by."""
    order = generator.open_arrivals(
        arm.runner.address,
        arm.parties.identity,
        folder,
        profile=f"{FROM_RATE:g}-{TO_RATE:g}x{RAMP_S:g}",
        duration_s=RAMP_S,
        mix=mix,
        seed=seed,
        warm_up_s=1.0,
        cores=arm.budget.other,
    )
    generator.run(order, lambda: None)
    return border(read_rows(folder / "requests.csv.gz"))


def border(rows: Sequence[Row], *, ramp_s: float = RAMP_S) -> float:
    """Return the rate at the first two windows whose p95 or whose errors left the bounds; the top rate if none did."""
    windows: dict[int, list[Row]] = {}
    for row in rows:
        if row.due_s >= 0:
            windows.setdefault(int(row.due_s / WINDOW_S), []).append(row)
    was_out = False
    for number, window in sorted(windows.items()):
        out = _is_out(window)
        if out and was_out:  # one window alone is a hiccup of the machine
            return max(FROM_RATE + (TO_RATE - FROM_RATE) * (number - 1) * WINDOW_S / ramp_s, LOWEST_RATE)
        was_out = out
    return TO_RATE


def _is_out(window: Sequence[Row]) -> bool:
    waits = sorted(row.latency_ms for row in window)
    slow = waits[int(0.95 * (len(waits) - 1))] > BOUND_MS
    return slow or sum(row.outcome in FAILED for row in window) > MAX_ERROR_SHARE * len(window)
