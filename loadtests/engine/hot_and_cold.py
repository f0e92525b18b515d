"""A hot load beside a cold one: requests as fast as they are answered, and others at a steady rate."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests.engine import rows
from loadtests.engine.arm import Arm
from loadtests.engine.rows import latency_of
from loadtests.engine.warm_generator import WarmGenerator
from loadtests.measure import accounting
from loadtests.measure.accounting import Reading, Spent
from loadtests.report.result import Latency, Run

SETTLE_S = 0.5
WARM_S = 1.5  # of the cold load, in which the hot one gets going


@dataclass(frozen=True)
class Load:
    """`clients` send `mix` in a closed loop; `cold_rate` requests of `cold_mix` a second arrive whatever happens.

    In a declaration `for_each` names a factor whose value multiplies the clients, and `warm_s` of the same load come
    before it.
    """

    clients: int
    mix: str
    cold_rate: float
    duration_s: float
    cold_mix: str = "products-only"
    for_each: str = ""
    warm_s: float = WARM_S
    share: float = 1.0
    curve: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        """What is counted as its work."""
        return "order" if self.mix == "orders-only" else "mix"

    @property
    def lasts_s(self) -> float:
        """About what a run takes, and all that belongs to it."""
        return self.duration_s + self.warm_s + 2 * WARM_S + 2 * SETTLE_S + 2.0

    def at(self, point: Mapping[str, float]) -> Load:
        """Return the load at a point of a grid."""
        return replace(self, clients=round(self.clients * point[self.for_each])) if self.for_each else self


@dataclass(frozen=True)
class Both:
    """What came of it. `goodput`: right answers of the hot load a second; `orders_s`: confirmed orders a second."""

    hot: dict[str, Any]
    cold: Latency
    cold_failed: float
    spent: Spent
    after: Reading

    @property
    def goodput(self) -> float:
        """Answers of the hot load a second that are no failure."""
        outcomes: dict[str, int] = self.hot["outcomes"]
        return (outcomes.get("ok", 0) + outcomes.get("business", 0)) / float(self.hot["duration_s"])

    @property
    def orders_s(self) -> float:
        """Confirmed orders a second."""
        return float(self.hot["orders_confirmed"]) / float(self.hot["duration_s"])


@dataclass(frozen=True)
class Pair:
    """Two standing generators."""

    hot: WarmGenerator
    cold: WarmGenerator

    @classmethod
    @contextlib.contextmanager
    def started(cls, logs: Path) -> Iterator[Pair]:
        """Have them for the length of the block."""
        with WarmGenerator(logs / "hot.log") as hot, WarmGenerator(logs / "cold.log") as cold:
            yield cls(hot, cold)


def both(arm: Arm, pair: Pair, load: Load, folder: Path, *, seed: int) -> Both:
    """Let both loads run side by side, and measure the arm meanwhile. Raises GeneratorFailed."""
    lasts_s, profile = load.duration_s, f"{load.cold_rate:g}x{load.duration_s:g}"
    hot = arm.closed_loop(folder / "hot", clients=load.clients, duration_s=lasts_s, mix=load.mix, seed=seed)
    cold = arm.open_arrivals(
        folder / "cold", profile=profile, duration_s=lasts_s, mix=load.cold_mix, seed=seed, warm_up_s=WARM_S,
        extra=["--customers", "1"],
    )  # fmt: skip
    before: list[Reading] = []
    with ThreadPoolExecutor(2) as pool:
        cold_done = pool.submit(pair.cold.run, cold, lambda: None)
        hot_done = pool.submit(pair.hot.run, hot, lambda: before.append(accounting.take(arm.runner)))
        hot_summary, cold_summary = hot_done.result(), cold_done.result()
    time.sleep(SETTLE_S)
    after = accounting.take(arm.runner, memory=True)
    spent = accounting.between(before[0], after)
    return Both(hot_summary, latency_of(cold_summary["latency_ms"]), cold_summary["error_share"], spent, after)


def row(number: int, build: str, pair: int, measured: Both, folder: str, *, unit: str) -> Run:
    """Return it as a run of a result: the units are orders or answers of the hot load, the latency is the cold's."""
    requests = max(1, measured.hot["requests"])
    outcomes = measured.hot["outcomes"]
    good = outcomes.get("ok", 0) + outcomes.get("business", 0)
    orders = measured.hot["orders_confirmed"]
    units = orders if unit == "order" else good
    run = rows.bare(number, build, pair, unit, units, measured.spent)
    run |= {
        "rate_achieved": measured.orders_s if unit == "order" else measured.goodput,
        "orders_confirmed": orders,
        "latency_ms": measured.cold,
        "latency_ms_by_journey": {"product": measured.cold},
        "error_share": 1 - good / requests,
        "cpu_ms_per_order": measured.spent.per(orders),
        "memory_mb_by_part": dict(measured.after.memory_mb),
        "duration_s": measured.hot["duration_s"],
        "outcomes": dict(outcomes),
        "raw": folder,
    }
    return run
