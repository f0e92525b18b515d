"""The rows of a result: what a load of an arm came to, as one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.engine.arm import Measured
from loadtests.measure.accounting import Spent
from loadtests.measure.reconcile import Reconciliation
from loadtests.report.result import Latency, Run


def bare(
    number: int, build: str, pair: int, unit: str, units: int, spent: Spent | None = None, void: Sequence[str] = ()
) -> Run:
    """Return a run of which is known what was done and what CPU that took. `void`: why it does not count, if so."""
    return {
        "build": build,
        "number": number,
        "pair": pair,
        "unit": unit,
        "units": units,
        "rate_target": None,
        "rate_achieved": 0.0,
        "orders_confirmed": units if unit == "order" else 0,
        "latency_ms": None,
        "latency_ms_by_journey": {},
        "error_share": 0.0,
        "cpu_ms_per_order": spent.per(units) if spent and unit == "order" else None,
        "cpu_ms_per_unit": spent.per(units) if spent else None,
        "cpu_ms_by_part": dict(spent.cpu_ms) if spent else {},
        "memory_mb_by_part": {},
        "reconciled": None,
        "violations": [],
        "void": bool(void),
        "void_reasons": list(void),
    }


def cost(number: int, build: str, unit: str, pair: int, units: int, spent: Spent, wall_s: float) -> Run:
    """Return a run that is about CPU alone: nothing is said of waits."""
    run = bare(number, build, pair, unit, units, spent, _spoilt(units, spent))
    return run | {"rate_achieved": units / wall_s, "duration_s": wall_s}


def of_closed_loop(number: int, build: str, unit: str, pair: int, measured: Measured) -> Run:
    """Return a run of clients that waited for nothing but answers: its units are confirmed orders, or right answers."""
    summary = measured.summary
    units = summary["orders_confirmed"] if unit == "order" else summary["outcomes"].get("ok", 0)
    failed = 1 - units / summary["requests"] if summary["requests"] else 1.0
    run = cost(number, build, unit, pair, units, measured.spent, summary["duration_s"])
    run |= {
        "orders_confirmed": summary["orders_confirmed"], "error_share": failed, "counted": measured.counted,
        "memory_mb_by_part": dict(measured.after.memory_mb),
    }  # fmt: skip
    return run


def of_load(
    number: int, build: str, pair: int, unit: str, units: int, measured: Measured, void: Sequence[str], *, orders: int,
    waits: bool = True,
) -> Run:  # fmt: skip
    """Return a run of open arrivals: `units` were done, `orders` of them (or beside them) are confirmed and right."""
    summary, spent = measured.summary, measured.spent
    run = bare(number, build, pair, unit, units, spent, void)
    run |= {
        "rate_target": summary.get("rate_target"),
        "rate_achieved": summary["rate_achieved"],
        "orders_confirmed": orders,
        "error_share": summary["error_share"],
        "cpu_ms_per_order": spent.per(orders),
        "memory_mb_by_part": dict(measured.after.memory_mb),
        "duration_s": summary["duration_s"],
        "counted": measured.counted,
        "restarted": list(spent.restarted),
    }
    if waits:
        journeys: dict[str, Any] = summary["by_journey"]
        run |= {
            "latency_ms": latency_of(summary["latency_ms"]),
            "latency_ms_by_journey": {name: latency_of(journey["latency_ms"]) for name, journey in journeys.items()},
            "requests_by_journey": {name: journey["count"] for name, journey in journeys.items()},
            "histograms": {name: kept["latency"] for name, kept in summary["tally"]["journeys"].items()},
        }
    return run


def of_slice(number: int, build: str, unit: str, pair: int, rate: float, measured: Measured) -> Run:
    """Return a short slice on live data; its units are confirmed orders, or right answers of a mix or of lists.

    A generator that was late spoils the waits, which are then left out, and not the CPU of what was done.
    """
    summary = measured.summary
    orders = summary["orders_confirmed"]
    units = orders if unit == "order" else summary["outcomes"].get("ok", 0)
    run = of_load(
        number, build, pair, unit, units, measured, _spoilt(units, measured.spent), orders=orders,
        waits=not summary["void"],
    )  # fmt: skip
    return run | {"rate_target": rate, "generator": {"late": summary["void_reasons"]}}


def note_books(run: Run, outcome: Reconciliation) -> None:
    """Write into a run what its books say."""
    run["reconciled"] = outcome.is_clean
    run["violations"] = [violation.as_dict() for violation in outcome.violations]
    run["reconciliation"] = {name: value for name, value in outcome.as_dict().items() if name != "violations"}


def latency_of(summary: dict[str, Any]) -> Latency:
    """Return the percentiles of a generator's summary that a result holds."""
    return {"p50": summary["p50"], "p95": summary["p95"], "p99": summary["p99"], "max": summary["max"]}


def _spoilt(units: int, spent: Spent) -> list[str]:
    return [f"{part} was restarted" for part in spent.restarted] + ([] if units else ["nothing was done"])
