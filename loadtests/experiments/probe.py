"""Finds roughly how much a build can take: one ramp of a few seconds, and where its latency leaves the ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.experiments import generator
from loadtests.experiments.arm import Arm
from loadtests.generator.record import FAILED, Row, read_rows

RAMP_S = 6.0
FROM_RATE = 20.0
TO_RATE = 500.0  # what a rate is chosen by seldom takes more: a laptop core takes less of the services
SLOPE = (TO_RATE - FROM_RATE) / RAMP_S
WINDOW_S = 0.5
# A build that keeps up answers most requests far below this; one that does not passes it within a second.
BOUND_MS = 250.0
MAX_ERROR_SHARE = 0.01
LOWEST_RATE = 20.0


def probe(arm: Arm, folder: Path, *, mix: str, seed: int, to_rate: float = TO_RATE) -> float:
    """Return the rate (arrivals/s) up to which a ramp was answered in time. Good enough to choose a rate by.

    `to_rate` is where the ramp ends, and so the most that can be found; a longer way takes longer.
    """
    ramp_s = (to_rate - FROM_RATE) / SLOPE
    order = generator.open_arrivals(
        arm.runner.address,
        arm.parties.identity,
        folder,
        profile=f"{FROM_RATE:g}-{to_rate:g}x{ramp_s:g}",
        duration_s=ramp_s,
        mix=mix,
        seed=seed,
        warm_up_s=1.0,
        cores=arm.budget.other,
    )
    generator.run(order, lambda: None)
    return border(read_rows(folder / "requests.csv.gz"), to_rate=to_rate)


def border(rows: Sequence[Row], *, to_rate: float = TO_RATE) -> float:
    """Return the rate at the first two windows whose p95 or whose errors left the bounds; the top rate if none did."""
    windows: dict[int, list[Row]] = {}
    for row in rows:
        if row.due_s >= 0:
            windows.setdefault(int(row.due_s / WINDOW_S), []).append(row)
    was_out = False
    for number, window in sorted(windows.items()):
        out = _is_out(window)
        if out and was_out:  # one window alone is a hiccup of the machine
            return max(FROM_RATE + SLOPE * (number - 1) * WINDOW_S, LOWEST_RATE)
        was_out = out
    return to_rate


def _is_out(window: Sequence[Row]) -> bool:
    waits = sorted(row.latency_ms for row in window)
    slow = waits[int(0.95 * (len(waits) - 1))] > BOUND_MS
    return slow or sum(row.outcome in FAILED for row in window) > MAX_ERROR_SHARE * len(window)
