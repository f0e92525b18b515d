"""Finds roughly how much a build can take: ramps of a few seconds, and where its latency leaves the ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtests.engine import generator
from loadtests.engine.arm import Arm
from loadtests.engine.study import PRODUCTS, Study
from loadtests.load.generator.record import FAILED, Row, read_rows
from loadtests.report.words import slug

RAMP_S = 6.0
FROM_RATE = 20.0
TO_RATE = 500.0
STEEPER = 4.0  # a build that keeps up with a ramp gets one to four times its end, from there on
MAX_RATE = 8_000.0  # about what one core of a generator can send
WINDOW_S = 0.5
# A build that keeps up answers most requests far below this; one that does not passes it within a second.
BOUND_MS = 250.0
MAX_ERROR_SHARE = 0.01
LOWEST_RATE = 20.0


def probe(arm: Arm, folder: Path, *, mix: str, seed: int) -> float:
    """Return the rate (arrivals/s) up to which ramps were answered in time. Good enough to choose a rate by.

    Every ramp leaves its raw data in a folder of its own below `folder`.
    """
    from_rate, to_rate = FROM_RATE, TO_RATE
    while True:
        out = folder / f"to-{to_rate:.0f}"
        profile = f"{from_rate:g}-{to_rate:g}x{RAMP_S:g}"
        spec = arm.open_arrivals(out, profile=profile, duration_s=RAMP_S, mix=mix, seed=seed, warm_up_s=1.0)
        generator.run(spec, lambda: None)
        rate = border(read_rows(out / "requests.csv.gz"), from_rate, to_rate)
        if rate < to_rate or to_rate >= MAX_RATE:
            return rate
        from_rate, to_rate = to_rate, to_rate * STEEPER


def probed(study: Study, arm: Arm, mix: str) -> float:
    """Probe an arm on fresh data, wait until it is at rest, and return the rate."""
    study.progress.doing(f"Probing how much {arm.name} can take of {mix}")
    arm.fresh_data(PRODUCTS)
    rate = probe(arm, study.folder / f"probe-{slug(arm.name)}-{mix}", mix=mix, seed=study.seed)
    arm.reconcile(None)
    study.progress.tell(f"{arm.name:<14} took about {rate:.0f}/s of {mix}")
    return rate


def border(rows: Sequence[Row], from_rate: float = FROM_RATE, to_rate: float = TO_RATE) -> float:
    """Return the rate at the first two windows whose p95 or whose errors left the bounds; the top rate if none did."""
    windows: dict[int, list[Row]] = {}
    for row in rows:
        if row.due_s >= 0:
            windows.setdefault(int(row.due_s / WINDOW_S), []).append(row)
    was_out = False
    for number, window in sorted(windows.items()):
        out = _is_out(window)
        if out and was_out:  # one window alone is a hiccup of the machine
            return max(from_rate + (to_rate - from_rate) * (number - 1) * WINDOW_S / RAMP_S, LOWEST_RATE)
        was_out = out
    return to_rate


def _is_out(window: Sequence[Row]) -> bool:
    waits = sorted(row.latency_ms for row in window)
    slow = waits[int(0.95 * (len(waits) - 1))] > BOUND_MS
    return slow or sum(row.outcome in FAILED for row in window) > MAX_ERROR_SHARE * len(window)
