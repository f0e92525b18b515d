"""What a comparison of arms declares: what is measured of them, at which points of a grid, and how exactly."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from loadtests.engine import factor, hot_and_cold, pairing
from loadtests.engine.arm import BUILDS, Arm, ArmSpec
from loadtests.engine.factor import Factor, Point
from loadtests.engine.loads import Cost, Figure, Load, Peak, Waits, figures_of
from loadtests.engine.study import Study
from loadtests.measure import replication
from loadtests.measure.accounting import Spent
from loadtests.measure.replication import Design, Spread
from loadtests.report.result import Ratio, Run
from loadtests.report.words import factor_name, is_twin, without_twin

# About what an arm and its twin take on an idle core to start and warm, and what a pair of pulses takes.
START_S, PULSES_S = 15.0, 2.8
ARM_S = 12.0  # one arm: to start, warm and close its books
MOST_PAIRS = 6


@dataclass(frozen=True)
class Cell:
    """One run of a session: an arm under a load, at a share of it and a point of the grid."""

    arm: ArmSpec
    load: Load
    share: float
    point: Point


@dataclass(frozen=True)
class Conclusion:
    """What ratios and runs mean: sentences, (verdict, evidence) by claim, and what plots are drawn from."""

    answer: Sequence[str]
    findings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


Around = Callable[[Arm, Point], AbstractContextManager[Callable[[Spent], Mapping[str, Any]]]]


@contextlib.contextmanager
def nothing_around(_: Arm, __: Point) -> Iterator[Callable[[Spent], Mapping[str, Any]]]:
    """Limit nothing while a hot load runs, and note nothing about it."""
    yield lambda _: {}


def as_it_is(_: Arm) -> None:
    """Nothing is prepared."""


@dataclass(frozen=True)
class Declaration:
    """A comparison of arms, each with the first of them, or of the pairs in `against` (a, b): b over a.

    `noise` is from an earlier run; the number of sessions and pairs follows from it. Runs are at every point of the
    grid of `factors`; where `most_minutes` do not hold it all, what is farthest from the base is left out. `prepare` is
    done to every arm once it is up, and ends with it. `around` is around the measured part of a load in `beside`, and
    yields what notes more about it. `conclude` says what runs, ratios and details mean. `afterwards` does something
    with the arms of the last session, and returns details. A quick design of one session starts no twins.
    """

    noise: Spread
    costs: tuple[Cost, ...] = ()
    waits: tuple[Waits, ...] = ()
    peaks: tuple[Peak, ...] = ()
    beside: tuple[hot_and_cold.Load, ...] = ()  # a hot load, and a cold one beside it
    arms: tuple[ArmSpec, ...] = BUILDS
    against: tuple[tuple[str, str], ...] = ()
    factors: tuple[Factor, ...] = ()
    prepare: Callable[[Arm], None] = as_it_is
    around: Around = nothing_around
    conclude: Callable[[Sequence[Run], Mapping[str, Ratio], Mapping[str, Any]], Conclusion] | None = None
    afterwards: Callable[[Study, Mapping[str, Arm]], Mapping[str, Any]] | None = None
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # comparisons that must all be higher
    caveat: str = ""  # said with every claim
    headlines: tuple[str, ...] = ()  # comparisons that the answer tells; else those of the first cost and wait
    detects: float = 1.10
    most_minutes: float = math.inf
    quick: Design = field(default_factory=lambda: Design(sessions=2, pairs=2, detects=float("nan")))

    @property
    def loads(self) -> tuple[Load, ...]:
        """What is measured in runs, and not in pulses."""
        return (*self.waits, *self.peaks, *self.beside)

    @property
    def design(self) -> Design:
        """The shortest one that finds a ratio of `detects` with a chance of 80 %."""
        pairs = MOST_PAIRS if self.costs else 1
        start_s, pair_s = self._session_s(self._steps()[0])
        return replication.plan(self.noise, self.detects, start_s=start_s, pair_s=pair_s or 1.0, most_pairs=pairs)

    def minutes(self, design: Design, cells: Sequence[Cell] | None = None) -> float:
        """About how long it takes on an idle machine, the probing before it left out."""
        whole = [cell for step in self._steps() for cell in step]
        start_s, pair_s = self._session_s(whole if cells is None else cells)
        return design.sessions * (start_s + design.pairs * pair_s) / 60

    def cells(self, design: Design, *, quick: bool = False) -> list[Cell]:
        """Return the runs of each session, as many as `most_minutes` hold: what is nearest to the base comes first."""
        first, *further = self._steps(quick=quick)
        chosen = list(first)
        if quick:
            every = [cell for step in (first, *further) for cell in step]
            return [cell for cell in every if design.sessions > 1 or not is_twin(cell.arm.name)]
        for step in further:
            if self.minutes(design, chosen + step) <= self.most_minutes:
                chosen += step
        return chosen

    def _steps(self, *, quick: bool = False) -> list[list[Cell]]:
        """Return all runs of a session, in steps of all arms at one share and point; twins are at the base alone."""
        steps: dict[tuple[int, bool, int, float], list[Cell]] = {}
        for number, point in enumerate(factor.grid(self.factors, quick=quick)):
            far = factor.distance_from_base(self.factors, point)
            for load in self.loads:
                for share in (load.share, *(() if quick else load.curve)):
                    is_curve = share != load.share
                    place = (far, is_curve, number if far else 0, share if is_curve else 0.0)
                    arms = [one for one in self.arms if factor.effective(self.factors, one.stack, point) == point]
                    arms += [one.twin for one in self.arms] if not far and not is_curve else []
                    steps.setdefault(place, []).extend(Cell(arm, load, share, point) for arm in arms)
        return [steps[place] for place in sorted(steps)] or [[]]

    def _session_s(self, cells: Sequence[Cell]) -> tuple[float, float]:
        """Seconds that a session takes whatever the number of pairs, and that one pair of everything takes."""
        runs_s = sum(cell.load.lasts_s for cell in cells)
        starts_s = sum(not arm.shop for arm in self.arms) * (START_S if self.costs else 2 * ARM_S)
        return starts_s + runs_s, len(self.arms) * len(self.costs) * PULSES_S

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Which arms are compared (a, b): b over a."""
        return self.against or tuple((self.arms[0].name, one.name) for one in self.arms[1:])

    @property
    def figures(self) -> Mapping[str, Figure]:
        """All figures by name, without the arms in it: `cpu_order`, `latency_list_p99`, `latency_order_p50_hop_ms_5`.

        Away from the base they are of the first journey of a load.
        """
        figures = {
            f"cpu_{cost.unit}": Figure(cost.what, pairing.cpu_per_unit, cost.tolerance, cost.unit, is_speed=False)
            for cost in self.costs
        }
        base, *further = factor.grid(self.factors)
        for point in (base, *further):
            off = {name: value for name, value in point.items() if value != base[name]}
            ending = "".join(f"_{name}_{value:g}" for name, value in off.items())
            where = "".join(f", {value:g} {factor_name(name)}" for name, value in off.items())
            for load in self.loads:
                for name, one in figures_of(load, first_only=bool(off)).items():
                    value, gate = self._at(load, point, one.value), name if off else ""
                    figures[name + ending] = replace(one, what=one.what + where, value=value, gate=gate)
        return figures

    def _at(self, load: Load, point: Point, value: pairing.Value) -> pairing.Value:
        """Return the figure of runs of this load at its share; an arm that a factor does not change has its base's."""
        stacks = {one.name: one.stack for one in self.arms}

        def of_cell(run: Run) -> float | None:
            sent = run.get("load", {})
            if sent.get("mix") != load.mix or sent.get("share", load.share) != load.share:
                return None
            stack = stacks.get(without_twin(run["build"]), "")
            return value(run) if run.get("factors", {}) == factor.effective(self.factors, stack, point) else None

        return of_cell
