"""One slice of load on a live arm: what it used, and the row that it makes in a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loadtests.engine import generator
from loadtests.engine.arm import SETTLE_S, Arm, Measured
from loadtests.engine.feeder import Feeder
from loadtests.engine.generator import Order
from loadtests.engine.trial import latency_of
from loadtests.measure import accounting
from loadtests.measure.accounting import Spent
from loadtests.report.result import Run

WARM_CLIENTS = 8


def load(
    arm: Arm, feeder: Feeder, order: Order, *, memory: bool = False, on_start: Callable[[], None] | None = None
) -> Measured:
    """Let the standing generator run, and return what the arm used until its mails and events were done."""
    before: list[tuple[accounting.Reading, Any]] = []

    def begin() -> None:
        counts = accounting.counters(arm.runner)  # first: what asking for them costs is not the load's
        before.append((accounting.take(arm.runner), counts))
        if on_start is not None:
            on_start()

    summary = feeder.run(order, begin)
    if not before:
        raise generator.GeneratorFailed(f"The load on {arm.name} ended before it began.")
    time.sleep(SETTLE_S)
    after = accounting.take(arm.runner, memory=memory)
    reading, counts = before[0]
    grown = accounting.counted_between(counts, accounting.counters(arm.runner))
    return Measured(summary, accounting.between(reading, after), after, grown)


def warm(arm: Arm, feeder: Feeder, folder: Path, *, seconds: float, seed: int) -> dict[str, Any]:
    """Send orders as fast as they are answered, so that code, pools and statements are warm; keep their history.

    Returns the generator's summary.
    """
    order = generator.closed_loop(
        arm.runner.address, arm.parties.identity, folder / f"warm-{arm.name}-{time.monotonic_ns()}-order",
        clients=WARM_CLIENTS, duration_s=seconds, mix="orders-only", seed=seed, cores=arm.budget.other,
    )  # fmt: skip
    return feeder.run(order, lambda: None)


def row(number: int, rung: str, unit: str, round_: int, rate: float, measured: Measured) -> Run:
    """Return a slice as a run of a result; its units are confirmed orders, or answers of a mix or of lists.

    A generator that was late spoils the waits, which are then left out, and not the CPU of what was done.
    """
    summary, spent = measured.summary, measured.spent
    units = summary["orders_confirmed"] if unit == "order" else summary["outcomes"].get("ok", 0)
    in_time = not summary["void"]
    reasons = [f"{part} was restarted" for part in spent.restarted] + ([] if units else ["nothing was done"])
    journeys = summary["by_journey"] if in_time else {}
    tally = summary["tally"]["journeys"] if in_time else {}
    return {
        "build": rung,
        "number": number,
        "pair": round_,
        "unit": unit,
        "units": units,
        "rate_target": rate,
        "rate_achieved": summary["rate_achieved"],
        "orders_confirmed": summary["orders_confirmed"],
        "latency_ms": latency_of(summary["latency_ms"]) if in_time else None,
        "latency_ms_by_journey": {name: latency_of(journey["latency_ms"]) for name, journey in journeys.items()},
        "requests_by_journey": {name: journey["count"] for name, journey in journeys.items()},
        "error_share": summary["error_share"],
        "cpu_ms_per_order": spent.per(summary["orders_confirmed"]),
        "cpu_ms_per_unit": spent.per(units),
        "cpu_ms_by_part": dict(spent.cpu_ms),
        "memory_mb_by_part": dict(measured.after.memory_mb),
        "reconciled": None,
        "violations": [],
        "void": bool(reasons),
        "void_reasons": reasons,
        "duration_s": summary["duration_s"],
        "histograms": {name: kept["latency"] for name, kept in tally.items()},
        "counted": measured.counted,
        "generator": {"late": summary["void_reasons"]},
    }


def costs(
    number: int, build: str, unit: str, round_: int, units: int, spent: Spent, wall_s: float, error_share: float = 0.0
) -> Run:
    """Return a slice that is about cost alone, as a run of a result: nothing is said of waits."""
    return {
        "build": build,
        "number": number,
        "pair": round_,
        "unit": unit,
        "units": units,
        "rate_target": None,
        "rate_achieved": units / wall_s,
        "orders_confirmed": units if unit == "order" and build != "floor" else 0,
        "latency_ms": None,
        "latency_ms_by_journey": {},
        "error_share": error_share,
        "cpu_ms_per_order": spent.per(units) if unit == "order" else None,
        "cpu_ms_per_unit": spent.per(units),
        "cpu_ms_by_part": dict(spent.cpu_ms),
        "memory_mb_by_part": {},
        "reconciled": None,
        "violations": [],
        "void": not units or bool(spent.restarted),
        "void_reasons": (["nothing was done"] if not units else [])
        + [f"{part} was restarted" for part in spent.restarted],
        "duration_s": wall_s,
    }
