"""What the runs of each build come to: merged latencies, CPU and memory by part. Void runs are left out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from loadtests.measure.latency import LatencyHistogram
from loadtests.report.result import Latency, Result, Run
from loadtests.report.words import family

FAMILY_ORDER = ("floor", "monolith", "colocated", "microservices", "services")
ALL = "all"


@dataclass(frozen=True)
class Arm:
    """All valid runs of one build with one unit of work."""

    build: str
    unit: str
    runs: tuple[Run, ...]

    @property
    def units(self) -> int:
        """Units of work done in all runs: confirmed orders for `mix` and `order`, lists for `list`."""
        return sum(self.units_of(run) for run in self.runs)

    @staticmethod
    def units_of(run: Run) -> int:
        """Units of work of one run."""
        return run["orders_confirmed"] if run["unit"] == "mix" else run["units"]

    @cached_property
    def cpu_ms_by_part(self) -> dict[str, float]:
        """CPU milliseconds per unit of work, by part, over all runs together."""
        total: dict[str, float] = {}
        for run in self.runs:
            for part, cpu_ms in run["cpu_ms_by_part"].items():
                total[part] = total.get(part, 0.0) + cpu_ms
        return {part: cpu_ms / self.units for part, cpu_ms in total.items()} if self.units else {}

    @property
    def cpu_ms(self) -> float | None:
        """CPU milliseconds of all parts per unit of work."""
        return sum(self.cpu_ms_by_part.values()) if self.cpu_ms_by_part else None

    @cached_property
    def memory_mb_by_part(self) -> dict[str, float]:
        """Megabytes by part: the median over the runs that measured it."""
        parts = {part for run in self.runs for part in run["memory_mb_by_part"]}
        return {
            part: statistics.median(r["memory_mb_by_part"][part] for r in self.runs if part in r["memory_mb_by_part"])
            for part in parts
        }

    @property
    def memory_mb(self) -> float | None:
        """Megabytes of all parts."""
        return sum(self.memory_mb_by_part.values()) if self.memory_mb_by_part else None

    @cached_property
    def histograms(self) -> dict[str, LatencyHistogram]:
        """Latencies merged over the runs, by journey; `all` holds all of them."""
        merged: dict[str, LatencyHistogram] = {}
        for run in self.runs:
            for journey, histogram in histograms_of(run).items():
                merged.setdefault(journey, LatencyHistogram()).merge(histogram)
        return merged

    def latency(self, journey: str = ALL) -> Latency | None:
        """Percentiles over all runs together; of a single run without histograms its own."""
        if journey in self.histograms:
            return latency_of(self.histograms[journey])
        if len(self.runs) == 1:
            run = self.runs[0]
            return run["latency_ms"] if journey == ALL else run["latency_ms_by_journey"].get(journey)
        return None


def histograms_of(run: Run) -> dict[str, LatencyHistogram]:
    """Return the latencies of one run by journey, with `all` first."""
    by_journey = {name: LatencyHistogram.decode(text) for name, text in run.get("histograms", {}).items()}
    if not by_journey:
        return {}
    whole = LatencyHistogram()
    for histogram in by_journey.values():
        whole.merge(histogram)
    return {ALL: whole, **by_journey}


def latency_of(histogram: LatencyHistogram) -> Latency:
    """Return the percentiles that a result holds."""
    summary = histogram.summary()
    return {"p50": summary["p50"], "p95": summary["p95"], "p99": summary["p99"], "max": summary["max"]}


def arms(result: Result) -> list[Arm]:
    """Return the arms of a result, by unit of work and then in the order in which builds are always shown.

    Without those that were sent one mix at many rates, as where a capacity is searched: together they say nothing.
    """
    by_arm: dict[tuple[str, str], list[Run]] = {}
    for run in result["runs"]:
        if not run["void"]:
            by_arm.setdefault((run["unit"], run["build"]), []).append(run)

    return [Arm(build, unit, tuple(by_arm[unit, build]))
            for unit, build in sorted(by_arm, key=lambda one: (one[0], shown_order(one[1])))
            if unit != "mix" or not have_many_loads(by_arm[unit, build])]  # fmt: skip


def shown_order(build: str) -> tuple[int, str]:
    """Return a key that sorts arms as they are always shown."""
    kin = family(build)
    return FAMILY_ORDER.index(kin) if kin in FAMILY_ORDER else len(FAMILY_ORDER), build


def grid_point(run: Run) -> dict[str, float]:
    """Return the factors of a run that are numbers: where on a grid it was measured."""
    return {name: value for name, value in run.get("factors", {}).items() if isinstance(value, int | float)}


def have_many_loads(runs: Sequence[Run]) -> bool:
    """Whether a mix was sent at several rates or points of a grid of factors, or several as fast as they went."""
    mixes = {run.get("load", {}).get("mix") for run in runs}
    sent = {(run.get("load", {}).get("mix"), run["rate_target"], tuple(grid_point(run).items())) for run in runs}
    together = len(mixes) > 1 and any(
        rate is None for _, rate, _ in sent
    )  # what is as fast as it goes weighs as it likes
    return together or len(sent) > len(mixes)


def mean_cpu_ms(runs: Iterable[Run], build: str, unit: str) -> float:
    """Return the mean CPU milliseconds per unit of work of a build's valid runs; 0 if there are none."""
    costs = [run["cpu_ms_per_unit"] or 0.0 for run in runs if _is_valid(run, build, unit)]
    return round(statistics.mean(costs), 3) if costs else 0.0


def waits(runs: Sequence[Run], builds: Iterable[str], unit: str) -> dict[str, dict[str, float]]:
    """Return p50 and p99 in ms of each build that has any, of all its valid runs together."""
    arms = [Arm(build, unit, tuple(run for run in runs if _is_valid(run, build, unit))) for build in builds]
    return {arm.build: {"p50": waits["p50"], "p99": waits["p99"]} for arm in arms if (waits := arm.latency())}


def _is_valid(run: Run, build: str, unit: str) -> bool:
    return run["build"] == build and run["unit"] == unit and not run["void"]


def looked_at(result: Result) -> dict[str, int]:
    """Return on how many things each promise was checked, over all runs."""
    total: dict[str, int] = {}
    for run in result["runs"]:
        for promise, count in run.get("reconciliation", {}).get("looked_at", {}).items():
            total[promise] = total.get(promise, 0) + count
    if "L8" in (extra := result.get("details", {}).get("looked_at", {})):
        total["L8"] = extra["L8"]
    return total
