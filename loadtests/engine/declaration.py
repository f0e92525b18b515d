"""What a comparison of arms declares: what is measured of them, and how exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.engine import pairing
from loadtests.engine.arm import BUILDS, ArmSpec
from loadtests.measure import replication
from loadtests.measure.replication import Design, Spread
from loadtests.report.result import Run
from loadtests.report.words import journey_name

GATES = {"p50": 0.10, "p99": 0.25}  # within what an arm must equal its twin
# About what an arm and its twin take on an idle core: to start and warm, in a pair of pulses, to seed and check books.
START_S, PULSES_S, BOOKS_S = 15.0, 2.8, 10.0
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
    """Latencies of these journeys, from open arrivals of a mix at `share` of what the slower build takes."""

    mix: str
    journeys: tuple[str, ...]
    duration_s: float = 12.0
    warm_up_s: float = 3.0
    share: float = 0.4


@dataclass(frozen=True)
class Figure:
    """What is compared, and within what tolerance an arm must equal its restarted twin."""

    what: str
    value: pairing.Value
    tolerance: float
    unit: str
    is_speed: bool


@dataclass(frozen=True)
class Declaration:
    """A comparison of arms with the first of them.

    `noise` is from an earlier run; the number of sessions and pairs follows from it.
    """

    costs: tuple[Cost, ...]
    waits: tuple[Waits, ...]
    noise: Spread
    arms: tuple[ArmSpec, ...] = BUILDS
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # comparisons that must all be higher
    caveat: str = ""  # said with every claim
    detects: float = 1.10
    quick: Design = field(default_factory=lambda: Design(sessions=2, pairs=2, detects=float("nan")))

    @property
    def design(self) -> Design:
        """The shortest one that finds a ratio of `detects` with a chance of 80 %."""
        start_s, pair_s = self._session_s
        return replication.plan(self.noise, self.detects, start_s=start_s, pair_s=pair_s, most_pairs=MOST_PAIRS)

    def minutes(self, design: Design) -> float:
        """About how long it takes on an idle machine, the probing before it left out."""
        start_s, pair_s = self._session_s
        return design.sessions * (start_s + design.pairs * pair_s) / 60

    @property
    def _session_s(self) -> tuple[float, float]:
        """Seconds that a session takes whatever the number of pairs, and that one pair of everything takes."""
        waits_s = sum(2 * (waits.duration_s + waits.warm_up_s) + BOOKS_S for waits in self.waits)
        return len(self.arms) * (START_S + waits_s), len(self.arms) * len(self.costs) * PULSES_S

    @property
    def figures(self) -> Mapping[str, Figure]:
        """All figures by name, without the arms in it: `cpu_order`, `latency_list_p99`."""
        figures = {
            f"cpu_{cost.unit}": Figure(cost.what, pairing.cpu_per_unit, cost.tolerance, cost.unit, is_speed=False)
            for cost in self.costs
        }
        for waits in self.waits:
            for journey in waits.journeys:
                for percentile, tolerance in GATES.items():
                    figures[f"latency_{journey}_{percentile}"] = Figure(
                        f"latency {percentile}, {journey_name(journey)}", _of(waits.mix, percentile, journey),
                        tolerance, "mix", is_speed=True,
                    )  # fmt: skip
        return figures


def _of(mix: str, percentile: str, journey: str) -> pairing.Value:
    value = pairing.latency(percentile, journey)

    def of_mix(run: Run) -> float | None:
        return value(run) if run.get("load", {}).get("mix") == mix else None

    return of_mix
