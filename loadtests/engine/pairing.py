"""Ratios of two arms from interleaved runs: by pair and session, with the interval and verdict of the statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loadtests.measure.latency import can_name
from loadtests.measure.replication import (
    Spread,
    by_session,
    compare_sessions,
    detectable,
    equivalence_of_sessions,
    spread,
)
from loadtests.measure.statistics import (
    Comparison,
    Equivalence,
    NotComparable,
    compare,
    equivalence,
    log_ratios,
)
from loadtests.measure.steps import Step, step
from loadtests.report.result import Ratio, Run

Value = Callable[[Run], float | None]


def cpu_per_order(run: Run) -> float | None:
    """CPU ms of all parts per confirmed order."""
    return run["cpu_ms_per_order"]


def cpu_per_unit(run: Run) -> float | None:
    """CPU ms of all parts per unit of work of a bench slice."""
    return run["cpu_ms_per_unit"]


def rate(run: Run) -> float | None:
    """What was done a second."""
    return run["rate_achieved"] or None


def memory(run: Run) -> float | None:
    """Megabytes of all parts."""
    return sum(run["memory_mb_by_part"].values()) or None


def memory_per_rate(run: Run) -> float | None:
    """Megabytes of all parts for what was done a second."""
    return sum(run["memory_mb_by_part"].values()) / run["rate_achieved"] if run["rate_achieved"] else None


def goodput(run: Run) -> float | None:
    """Orders a second that are confirmed and right."""
    return run["orders_confirmed"] / run["duration_s"] if run.get("duration_s") else None


def latency(percentile: str, journey: str = "") -> Value:
    """Return what takes a percentile in ms from a run, of one journey or of all requests.

    A percentile that too few requests lie beyond is none.
    """

    def value(run: Run) -> float | None:
        waits = run["latency_ms_by_journey"].get(journey) if journey else run["latency_ms"]
        count = run.get("requests_by_journey", {}).get(journey)
        if waits is None or (count is not None and not can_name(int(percentile[1:]), count)):
            return None
        return float(waits[percentile])  # type: ignore[literal-required]

    return value


@dataclass(frozen=True)
class Pairs:
    """Values of two arms in pairs that have both; `sessions` says in which session each pair was measured."""

    a: list[float]
    b: list[float]
    sessions: list[int]

    @property
    def replicated(self) -> bool:
        """Whether they are of several starts of the arms."""
        return len(set(self.sessions)) > 1

    def compare(self) -> Comparison:
        """Compare over sessions where there are several, over pairs otherwise. Raises NotComparable."""
        return compare_sessions(self.a, self.b, self.sessions) if self.replicated else compare(self.a, self.b)

    def equivalence(self, tolerance: float) -> Equivalence | None:
        """Test whether both arms are the same within a tolerance; None where there is nothing to compare."""
        try:
            if self.replicated:
                return equivalence_of_sessions(self.a, self.b, self.sessions, tolerance)
            return equivalence(self.a, self.b, tolerance)
        except NotComparable:
            return None

    def spread(self) -> Spread | None:
        """Return how much sessions and single pairs scatter; None where they do not tell."""
        try:
            return spread(by_session(log_ratios(self.a, self.b), self.sessions))
        except NotComparable:
            return None


def pairs_of(runs: Iterable[Run], a: str, b: str, value: Value, unit: str = "") -> Pairs:
    """Return the values of `a` and `b` in pairs that have both; void runs make no pair."""
    by_pair: dict[tuple[int, int], dict[str, float]] = {}
    for run in runs:
        if run["void"] or (unit and run["unit"] != unit) or run["build"] not in (a, b):
            continue
        if (figure := value(run)) is not None and figure > 0:
            by_pair.setdefault((run.get("session", 1), run["pair"]), {})[run["build"]] = figure
    both = [(number, pair) for (number, _), pair in sorted(by_pair.items()) if a in pair and b in pair]
    return Pairs([pair[a] for _, pair in both], [pair[b] for _, pair in both], [number for number, _ in both])


def ratio(
    runs: Iterable[Run], a: str, b: str, value: Value, what: str, *, unit: str = "", withhold: bool = False,
    target: float | None = None,
) -> Ratio | None:  # fmt: skip
    """Return B over A; None with fewer than two pairs. `withhold`: whatever comes out, no winner is named."""
    pairs = pairs_of(runs, a, b, value, unit)
    try:
        comparison = pairs.compare()
    except NotComparable:
        return None
    row: Ratio = {
        "ratio": comparison.ratio,
        "low": comparison.low,
        "high": comparison.high,
        "a": a,
        "b": b,
        "what": what,
        "pairs": comparison.pairs,
        "sessions": comparison.sessions,
        "p_value": comparison.p_value,
        "verdict": "withheld" if withhold else comparison.verdict,
    }
    if noise := pairs.spread():
        per_session = comparison.pairs / comparison.sessions
        row["spread_between"], row["spread_within"] = noise.between, noise.within
        row["detects"] = detectable(comparison.sessions, per_session, noise)
    if target is not None:
        row["target"] = target
    return row


def added(runs: Iterable[Run], a: str, b: str, unit: str) -> Step | None:
    """Return the CPU ms per unit that `b` took more than `a`, over pairs that have both; None with fewer than two."""
    pairs = pairs_of(runs, a, b, cpu_per_unit, unit)
    try:
        return step(a, b, pairs.a, pairs.b)
    except NotComparable:
        return None


def present(figures: dict[str, Ratio | None]) -> dict[str, Ratio]:
    """Return the figures that could be had."""
    return {name: figure for name, figure in figures.items() if figure is not None}
