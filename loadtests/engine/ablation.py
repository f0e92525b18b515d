"""Ablations: the same stacks with one thing switched, taken away or exchanged, measured in turns on live, warm data.

A round measures every variant once, in random order; the number of rounds is fixed before the first, from the scatter
of earlier ones. A round restarts what runs a variant, so that rounds are over starts of the applications, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from deploy.runner.interface import Runner
from loadtests.engine import factor, pairing, verdicts
from loadtests.engine.arm import Arm, Settings
from loadtests.engine.declaration import Conclusion
from loadtests.engine.factor import Factor, Point
from loadtests.measure.replication import rounds_that_find
from loadtests.report.result import Gate, Ratio, Run

LEAST_ROUNDS = 2
CPU = {"order": "CPU per confirmed order", "list": "CPU per list of 20"}


def nothing_set(_: Runner) -> Settings:
    """Everything as usual."""
    return {}


@dataclass(frozen=True)
class Variant:
    """One way to run a stack: settings by part, or a part that is down while it is measured.

    `rarely`: in every other round. `is_floor`: not the stack, but pgbench with its SQL on its database server.
    """

    name: str
    stack: str
    what: str
    settings: Callable[[Runner], Settings] = nothing_set
    holds: str = ""
    rarely: bool = False
    is_floor: bool = False


@dataclass(frozen=True)
class Work:
    """A unit of work alone: open arrivals (Poisson) at `rate`/s, or, at none, a closed loop of `clients`.

    `variants` that do it; empty: all of them.
    """

    unit: str
    slice_s: float
    rate: float = 0.0
    variants: tuple[str, ...] = ()
    clients: int = 8


@dataclass(frozen=True)
class Contrast:
    """Variant `b` over variant `a`, in CPU per unit of work unless `value` says what else; `at` a point of the grid."""

    name: str
    a: str
    b: str
    unit: str = "order"
    target: float | None = None
    value: pairing.Value = pairing.cpu_per_unit
    what: str = ""
    at: Point = field(default_factory=dict)


@dataclass(frozen=True)
class Ablation:
    """Variants of stacks that are compared, all of them or those of `--set variants=a,b`.

    `noise`: standard deviation of a log ratio from round to round, so far.
    `twins`: variants that are the same thing; unless each pair of them is shown equal within `tolerance`, no ratio has
    a verdict. `toggle`: turns a variant on and off without a restart; the work then comes in pulses of a second.
    """

    variants: tuple[Variant, ...]
    works: tuple[Work, ...]
    contrasts: tuple[Contrast, ...]
    conclude: Callable[[Sequence[Run], Mapping[str, Ratio]], Conclusion]
    noise: float = 0.09
    detects: float = 1.10
    twins: tuple[tuple[str, str], ...] = ()
    tolerance: float = 0.10
    warm_s: float = 1.5
    restarts: bool = True
    proves: bool = False  # that all stacks behave alike, beforehand; not in the short form
    toggle: Callable[[Arm], AbstractContextManager[Callable[[Variant], None]]] | None = None
    factors: tuple[Factor, ...] = ()
    quick_rounds: int = LEAST_ROUNDS
    quick_share: float = 0.4  # of the time of slices and warming

    @property
    def rounds(self) -> int:
        """So many find a ratio of `detects` with a chance of 80 %."""
        return rounds_that_find(self.detects, self.noise)

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that are started."""
        return tuple(dict.fromkeys(variant.stack for variant in self.variants))

    def grid(self, *, quick: bool = False) -> list[Point]:
        """Return the points at which every variant is measured: all combinations of the factors' values."""
        return factor.grid(self.factors, quick=quick)


def compare(runs: Sequence[Run], contrasts: Sequence[Contrast], *, withhold: bool = False) -> dict[str, Ratio]:
    """Return the ratios that could be had."""
    return pairing.present(
        {
            one.name: pairing.ratio(
                at(runs, one.at), one.a, one.b, one.value, one.what or CPU[one.unit], unit=one.unit, withhold=withhold,
                target=one.target,
            )
            for one in contrasts
        }
    )  # fmt: skip


def at(runs: Sequence[Run], point: Point) -> list[Run]:
    """Return the runs at a point of the grid."""
    return [run for run in runs if run.get("factors", {}) == point]


def gate_of(runs: Sequence[Run], declared: Ablation) -> Gate | None:
    """Return the A/A gate: the worst of the variants that are the same thing; None where there is nothing to see."""
    grid = declared.grid()
    pairs = [pairing.pairs_of(at(runs, point), a, b, pairing.cpu_per_unit, "order")
             for a, b in declared.twins for point in grid if at(runs, point)]  # fmt: skip
    gates = [pair.equivalence(declared.tolerance) for pair in pairs]
    return verdicts.worst(gates, "CPU per confirmed order, the same variant once more")
