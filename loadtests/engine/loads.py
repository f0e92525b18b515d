"""What arms are given to do in a session: pulses of one unit of work, open arrivals, closed loops; their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.engine import hot_and_cold, pairing
from loadtests.report.plot import short_unit
from loadtests.report.words import journey_name

GATES = {"p50": 0.10, "p99": 0.25}  # within what an arm must equal its twin
GOODPUT_GATE = 0.05
BOOKS_S = 10.0  # about what an arm and its twin take to seed and check books
SLICE_S = 2.5  # a slice: to settle and be counted


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


Load = Waits | Peak | hot_and_cold.Load


def figures_of(load: Load, *, first_only: bool = False) -> Mapping[str, Figure]:
    """Return what is compared under a load, by name; of waits the first journey alone, if asked."""
    if isinstance(load, Waits):
        waits = {
            f"latency_{journey}_{percentile}": Figure(
                f"latency {percentile}, {journey_name(journey)}", pairing.latency(percentile, journey), tolerance, "",
                is_speed=True,
            )
            for journey in load.journeys[: 1 if first_only else None]
            for percentile, tolerance in GATES.items()
        }  # fmt: skip
        goodput = Figure("goodput, orders/s", pairing.goodput, GOODPUT_GATE, "", is_speed=True)
        return waits | ({"goodput": goodput} if load.goodput else {})
    unit = short_unit(load.unit) if isinstance(load, hot_and_cold.Load) else "right answer"
    kinds: list[tuple[str, str, pairing.Value, float, bool]] = [
        ("goodput", f"{unit}s a second", pairing.rate, 0.10, True),
        ("cpu", f"CPU per {unit}", pairing.cpu_per_unit, 0.10, False),
    ]
    if isinstance(load, hot_and_cold.Load):
        kinds += [
            ("memory", f"memory for a {unit} a second", pairing.memory_per_rate, 0.10, True),
            ("cold_p95", "p95 of product pages beside", pairing.latency("p95", "product"), 0.25, True),
        ]
    return {
        f"{name}_{load.mix.replace('-', '_')}": Figure(f"{what}, {load.mix}", value, tolerance, "", is_speed)
        for name, what, value, tolerance, is_speed in kinds
    }
