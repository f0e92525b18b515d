"""Ratios of two arms from interleaved runs: pair by pair, with the interval and the verdict of the statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from loadtests.measure.statistics import Comparison, NotComparable, compare
from loadtests.report.result import Ratio, Run

Value = Callable[[Run], float | None]


def cpu_per_order(run: Run) -> float | None:
    """CPU ms of all parts per confirmed order."""
    return run["cpu_ms_per_order"]


def cpu_per_unit(run: Run) -> float | None:
    """CPU ms of all parts per unit of work of a bench slice."""
    return run["cpu_ms_per_unit"]


def memory(run: Run) -> float | None:
    """Megabytes of all parts."""
    return sum(run["memory_mb_by_part"].values()) or None


def latency(percentile: str, journey: str = "") -> Value:
    """Return what takes a percentile in ms from a run, of one journey or of all requests."""

    def value(run: Run) -> float | None:
        found = run["latency_ms_by_journey"].get(journey) if journey else run["latency_ms"]
        return float(found[percentile]) if found else None  # type: ignore[literal-required]

    return value


def pairs_of(runs: Iterable[Run], a: str, b: str, value: Value, unit: str = "") -> tuple[list[float], list[float]]:
    """Return the values of `a` and `b` in pairs that have both; void runs make no pair."""
    found: dict[int, dict[str, float]] = {}
    for run in runs:
        if run["void"] or (unit and run["unit"] != unit) or run["build"] not in (a, b):
            continue
        if (figure := value(run)) is not None and figure > 0:
            found.setdefault(run["pair"], {})[run["build"]] = figure
    both = [pair for _, pair in sorted(found.items()) if a in pair and b in pair]
    return [pair[a] for pair in both], [pair[b] for pair in both]


def ratio(
    runs: Iterable[Run], a: str, b: str, value: Value, what: str, *, unit: str = "", withhold: bool = False,
    target: float | None = None,
) -> Ratio | None:  # fmt: skip
    """Return B over A; None with fewer than two pairs. `withhold`: whatever comes out, no winner is named."""
    first, second = pairs_of(runs, a, b, value, unit)
    try:
        found: Comparison = compare(first, second)
    except NotComparable:
        return None
    row: Ratio = {
        "ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "a": a,
        "b": b,
        "what": what,
        "pairs": found.pairs,
        "p_value": found.p_value,
        "verdict": "withheld" if withhold else found.verdict,
    }
    if target is not None:
        row["target"] = target
    return row


def present(figures: dict[str, Ratio | None]) -> dict[str, Ratio]:
    """Return the figures that could be had."""
    return {name: figure for name, figure in figures.items() if figure is not None}
