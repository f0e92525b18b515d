"""What a comparison of arms declares: what is measured of them, at which points of a grid, and how exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.engine import factor, pairing
from loadtests.engine.arm import BUILDS, Arm, ArmSpec
from loadtests.engine.factor import Factor, Point
from loadtests.measure import replication
from loadtests.measure.replication import Design, Spread
from loadtests.report.result import Run
from loadtests.report.words import TWIN, factor_name, journey_name

GATES = {"p50": 0.10, "p99": 0.25}  # within what an arm must equal its twin
GOODPUT_GATE = 0.05
# About what an arm and its twin take on an idle core: to start and warm, in a pair of pulses, to seed and check books.
START_S, PULSES_S, BOOKS_S = 15.0, 2.8, 10.0
ARM_S, SLICE_S = 12.0, 2.5  # one arm: to start, warm and close its books; a slice: to settle and be counted
MOST_PAIRS = 6


@dataclass(frozen=True)
class Cost:
    """CPU of one unit of work, in pulses at `share` of what each build takes itself."""

    unit: str
    mix: str
    what: str
    tolerance: float = 0.05
    share: float = 0.7


@dataclass(frozen=True)
class Waits:
    """Latencies of these journeys, from open arrivals of a mix at `share` of what the slowest arm takes.

    `curve`: further shares, which are drawn and not compared. `is_fresh`: on fresh data, with books of its own; else on
    live data by a generator that stays, and the books are closed with the session. `rate`: at so many arrivals/s, and
    nothing is probed; `quick_rate`: so in the short form. `goodput`: orders a second are compared, too.
    """

    mix: str
    journeys: tuple[str, ...]
    duration_s: float = 12.0
    warm_up_s: float = 3.0
    share: float = 0.4
    curve: tuple[float, ...] = ()
    is_fresh: bool = True
    rate: float = 0.0
    quick_rate: float = 0.0
    goodput: bool = False

    @property
    def lasts_s(self) -> float:
        """About what a run takes, and all that belongs to it."""
        return self.duration_s + self.warm_up_s + (BOOKS_S / 2 if self.is_fresh else SLICE_S)


@dataclass(frozen=True)
class Peak:
    """Answers a second and CPU of a mix, as fast as `clients` are answered (a closed loop), on live data."""

    mix: str
    clients: int
    duration_s: float = 5.0
    share: float = 1.0
    curve: tuple[float, ...] = ()

    @property
    def lasts_s(self) -> float:
        """About what a run takes, and all that belongs to it."""
        return self.duration_s + SLICE_S


Load = Waits | Peak


@dataclass(frozen=True)
class Cell:
    """One run of a session: an arm under a load, at a share of it and a point of the grid."""

    arm: ArmSpec
    load: Load
    share: float
    point: Point


@dataclass(frozen=True)
class Figure:
    """What is compared, and within what tolerance an arm must equal its restarted twin.

    `gate` names the figure whose twins decide, where twins are not measured at this point of the grid.
    """

    what: str
    value: pairing.Value
    tolerance: float
    unit: str
    is_speed: bool
    gate: str = ""


def as_it_is(_: Arm) -> None:
    """Nothing is prepared."""


@dataclass(frozen=True)
class Declaration:
    """A comparison of arms, each with the first of them, or of the pairs in `against` (a, b): b over a.

    `noise` is from an earlier run; the number of sessions and pairs follows from it. Runs are at every point of the
    grid of `factors`; where `most_minutes` do not hold it all, what is farthest from the base is left out. `prepare` is
    done to every arm once it is up, and ends with it. A quick design of one session starts no twins.
    """

    noise: Spread
    costs: tuple[Cost, ...] = ()
    waits: tuple[Waits, ...] = ()
    peaks: tuple[Peak, ...] = ()
    arms: tuple[ArmSpec, ...] = BUILDS
    against: tuple[tuple[str, str], ...] = ()
    factors: tuple[Factor, ...] = ()
    prepare: Callable[[Arm], None] = as_it_is
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # comparisons that must all be higher
    caveat: str = ""  # said with every claim
    headlines: tuple[str, ...] = ()  # comparisons that the answer tells; else those of the first cost and wait
    detects: float = 1.10
    most_minutes: float = math.inf
    quick: Design = field(default_factory=lambda: Design(sessions=2, pairs=2, detects=float("nan")))

    @property
    def loads(self) -> tuple[Load, ...]:
        """What is measured in runs, and not in pulses."""
        return (*self.waits, *self.peaks)

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
            return [cell for cell in every if design.sessions > 1 or not cell.arm.name.endswith(TWIN)]
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
                    place = (far, is_curve, number, share if is_curve else 0.0)
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
            ending = "".join(f"_{name}_{value:g}" for name, value in point.items() if value != base[name])
            where = "".join(f", {value:g} {factor_name(name)}" for name, value in point.items() if value != base[name])
            for name, one in self._of_loads(point, first_only=bool(ending)).items():
                gate = name if ending else ""
                figures[name + ending] = Figure(one.what + where, one.value, one.tolerance, "", one.is_speed, gate)
        return figures

    def _of_loads(self, point: Point, *, first_only: bool) -> dict[str, Figure]:
        figures = {}
        for waits in self.waits:
            for journey in waits.journeys[: 1 if first_only else None]:
                for percentile, tolerance in GATES.items():
                    value = self._at(waits, point, pairing.latency(percentile, journey))
                    what = f"latency {percentile}, {journey_name(journey)}"
                    figures[f"latency_{journey}_{percentile}"] = Figure(what, value, tolerance, "", is_speed=True)
            if waits.goodput:
                value = self._at(waits, point, pairing.goodput)
                figures["goodput"] = Figure("goodput, orders/s", value, GOODPUT_GATE, "", is_speed=True)
        for peak in self.peaks:
            for name, what, value, is_speed in (
                ("goodput", "right answers a second", pairing.rate, True),
                ("cpu", "CPU per right answer", pairing.cpu_per_unit, False),
            ):
                figure = Figure(f"{what}, {peak.mix}", self._at(peak, point, value), 0.10, "", is_speed)
                figures[f"{name}_{peak.mix.replace('-', '_')}"] = figure
        return figures

    def _at(self, load: Load, point: Point, value: pairing.Value) -> pairing.Value:
        """Return the figure of runs of this load at its share; an arm that a factor does not change has its base's."""
        stacks = {one.name: one.stack for one in self.arms}

        def of_cell(run: Run) -> float | None:
            sent = run.get("load", {})
            if sent.get("mix") != load.mix or sent.get("share", load.share) != load.share:
                return None
            stack = stacks.get(run["build"].removesuffix(TWIN), "")
            return value(run) if run.get("factors", {}) == factor.effective(self.factors, stack, point) else None

        return of_cell
