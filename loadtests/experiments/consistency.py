"""Consistency: how long after the 201 each part of the system agrees.

Question: A customer has just been told that an order is confirmed. When does each part of the shop know it?

Hypothesis: In the monolith one transaction writes order, payment, stock and the message to be sent, so all but the mail
itself agree at once. In the services the payment is visible at once, for it was asked for before the answer; stock and
notification learn of the order by an event, some tens of milliseconds later, and later still under load. No order is
forgotten in either.

Load: The mix `ordering` at a steady 10 arrivals/s (half of them orders), and beside it one customer who places five
orders a second and looks. Each build in turns, in rounds of 12 s, the data fresh before the first.

What is held equal: Cores, products, rate, requests; the same views are asked under the same names, every 10 ms; the
mail's time is that of the mail server's clock, on the same machine.

How to read it: Each curve says which share of the orders a fact held for, so many milliseconds after the 201. What
held before the first look counts as 0; nothing below 10 ms can be told apart.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.prober import Placed, Prober
from loadtests.engine.study import PRODUCTS, Study
from loadtests.engine.trial import Load, run_trial
from loadtests.measure import agreement
from loadtests.measure.agreement import FACTS, MAIL, PAYMENT, ROW, STOCK
from loadtests.report.claims import NOT_SHOWN, REFUTED, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.plot import Figure, axes, figure, line, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, count_of, number

BUILDS = ("monolith", "microservices")
RATE = 10.0
EVERY_S = 0.2
LATEST_S = 30.0
AT_ONCE_MS = 2 * agreement.LOOK_EVERY_S * 1000  # seen by the first look, or by the second
ROUNDS, ROUND_S = 6, 12.0
QUICK_ROUNDS, QUICK_ROUND_S = 1, 8.0


@dataclass
class Lags:
    """How long after the 201 each fact held, in ms, for how many orders it never did, and when each was answered."""

    ms: dict[str, list[float]] = field(default_factory=lambda: {fact: [] for fact in FACTS})
    never: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FACTS, 0))

    def add(self, fact: str, lags_ms: list[float], never: int) -> None:
        """Add what was seen of a fact."""
        self.ms[fact] += lags_ms
        self.never[fact] += never

    def summary(self) -> dict[str, Any]:
        """Return count, percentiles and `never` by fact."""
        return {fact: agreement.summary(lags) | {"never": self.never[fact]} for fact, lags in self.ms.items()}


def run(study: Study) -> Result:
    """Watch orders in both builds, in turns."""
    rounds, round_s = (QUICK_ROUNDS, QUICK_ROUND_S) if study.quick else (ROUNDS, ROUND_S)
    study.progress.plan(rounds * len(BUILDS) + len(BUILDS))
    lags = {build: Lags() for build in BUILDS}
    with arms_up(BUILDS, study.budget, keep=False) as arms:
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        for round_ in range(1, rounds + 1):
            for name in BUILDS if round_ % 2 else BUILDS[::-1]:
                run_trial(
                    study, arms[name], Load(RATE, round_s, 2.0, "ordering"), pair=round_, seed=study.seed + round_,
                    fresh=False, reconcile=False, meanwhile=lambda _: buy_and_look(arms[name], round_s, lags[name]),  # noqa: B023  (called at once)
                )  # fmt: skip
        for name, arm in arms.items():
            last = [run for run in study.runs if run["build"] == name][-1]
            close_books(study, arm, study.folder.glob(f"run-*-{name}/orders.jsonl"), last)
    return conclude(study, lags)


def buy_and_look(arm: Arm, duration_s: float, lags: Lags) -> None:
    """Buy at a steady pace, ask for each payment at once, and watch stock, notification and mail of each order."""
    watching, connections = agreement.watches(arm.parties)
    answered_at: dict[str, float] = {}
    began = time.monotonic()
    try:
        with Prober(arm.parties) as customer:
            for number_ in range(int(duration_s / EVERY_S)):
                time.sleep(max(0.0, began + number_ * EVERY_S - time.monotonic()))
                order = customer.place()
                if order.status != 201:
                    continue
                answered_at[order.order_id] = order.answered_at
                for watch in watching.values():
                    watch.add(order.order_id, order.answered_at)
                lag_ms = _payment_lag_ms(customer, order)
                lags.add(PAYMENT, [] if lag_ms is None else [lag_ms], lag_ms is None)
        for fact, watch in watching.items():
            never = watch.end(LATEST_S)
            lags.add(fact, watch.lags_ms, never)
    finally:
        for connection in connections:
            connection.close()
    lags.add(MAIL, *agreement.mail_lags_ms(arm.parties, answered_at, LATEST_S))


def _payment_lag_ms(customer: Prober, order: Placed) -> float | None:
    """Return how long after the 201 the payment was captured for its owner; 0 if at the first look."""
    for look in range(int(LATEST_S)):
        if customer.payment_status(order.payment_id) == "captured":
            return 0.0 if look == 0 else (time.time() - order.answered_at) * 1000
        time.sleep(agreement.LOOK_EVERY_S)
    return None


def conclude(study: Study, lags: Mapping[str, Lags]) -> Result:
    """Return the result of these lags, by build."""
    facts = {build: by_fact.summary() for build, by_fact in lags.items()}
    details = {
        build: {
            fact: facts[build][fact] | {"lags_ms": sorted(round(ms, 1) for ms in by_fact.ms[fact])} for fact in FACTS
        }
        for build, by_fact in lags.items()
    }
    return study.result(answer=answer(facts), comparison={}, findings=findings(facts), details={"agreement": details})


Facts = Mapping[str, Mapping[str, Mapping[str, float]]]  # a summary of lags, by build and fact


def answer(by_build: Facts) -> list[str]:
    """Return the answer in two sentences."""

    def of(build: str) -> str:
        parts = [
            f"{fact} {when(by_build[build][fact]['p50'])} ({when(by_build[build][fact]['p99'])})" for fact in FACTS
        ]
        return f"{build_name(build)}: {', '.join(parts)}"

    lost = int(sum(fact["never"] for facts in by_build.values() for fact in facts.values()))
    watched = {build: int(by_build[build][STOCK]["count"]) for build in by_build}
    return [
        f"After the 201, at the median (and the p99): {'; '.join(of(build) for build in by_build)}.",
        f"{count_of(lost, len(FACTS) * sum(watched.values()))} facts about watched orders were still missing after "
        f"{LATEST_S:.0f} s.",
    ]


def when(lag_ms: float) -> str:
    """Return a lag in words; what the first looks found was there at once, as far as can be told."""
    return "at once" if lag_ms <= AT_ONCE_MS else f"after {number(lag_ms)} ms"


def findings(by_build: Facts) -> dict[str, tuple[str, str]]:
    """Return the verdict on C6: stock and notification at once in the monolith, later in the services."""
    lags = {build: [by_build[build][fact]["p50"] for fact in (STOCK, ROW)] for build in by_build}
    if min(by_build[build][fact]["count"] for build in by_build for fact in (STOCK, ROW)) < 20:
        return {}
    at_once = {build: max(medians) <= AT_ONCE_MS for build, medians in lags.items()}
    verdict = NOT_SHOWN
    if at_once["monolith"] and min(lags["microservices"]) > AT_ONCE_MS:
        verdict = SUPPORTED
    elif at_once["microservices"]:
        verdict = REFUTED
    evidence = (
        f"Stock sold and notification written, at the median: {when(lags['monolith'][0])} and "
        f"{when(lags['monolith'][1])} in the monolith, {when(lags['microservices'][0])} and "
        f"{when(lags['microservices'][1])} in the services, over {int(by_build['microservices'][STOCK]['count'])} "
        f"orders under load; what the monolith writes in one transaction is there with the answer."
    )
    return {"C6": (verdict, evidence)}


_MOST_POINTS = 200
_TICKS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]  # what the first look found is 'at once'
_LAST = ("payment visible",)  # there at once in both builds: not what one looks at first


def when_each_agrees(result: Result) -> Figure | None:
    """For each fact, the share of orders for which it held so many ms after the 201."""
    by_build: dict[str, dict[str, Any]] | None = detail(result, "agreement")
    if not by_build:
        return None
    highest = max(lag for facts in by_build.values() for fact in facts.values() for lag in fact["lags_ms"])
    layout = axes(
        "milliseconds after the 201", "orders for which it held", x__type="log", x__tickvals=_TICKS,
        x__ticktext=["at once", *map(str, _TICKS[1:])], y__tickformat=".0%", y__range=[0, 1.02],
        x__range=[math.log10(_TICKS[0]) - 0.05, math.log10(max(highest, 1000)) + 0.05],
    )  # fmt: skip
    views = [
        view(name, [_curve(build, facts[name]) for build, facts in by_build.items() if facts[name]["lags_ms"]], layout)
        for name in sorted(next(iter(by_build.values())), key=_LAST.__contains__)
    ]
    reading = (
        "How long after the customer was told 'confirmed' a fact held for how many of the orders. The left edge is "
        "'at the first look'; nothing below 10 ms is told apart."
    )
    return figure("agreement", "When does every part know?", reading, views)


def _curve(build: str, fact: dict[str, Any]) -> Figure:
    lags = fact["lags_ms"]
    total = len(lags) + fact["never"]
    places = sorted({*range(0, len(lags), max(1, len(lags) // _MOST_POINTS)), len(lags) - 1})
    x = [float(_TICKS[0]), *(max(float(_TICKS[0]), lags[place]) for place in places)]
    y = [0.0, *((place + 1) / total for place in places)]
    name = f"{build_name(build)}: median {_lag(fact['p50'])}, p99 {_lag(fact['p99'])}"
    trace = line(name, x, y, build, hover="%{x:.0f} ms: %{y:.0%}")
    trace["line"]["shape"] = "hv"
    return trace


def _lag(ms: float) -> str:
    return f"{number(ms)} ms" if ms > _TICKS[0] else "at once"


def headline(result: Result) -> Headline | None:
    """When the stock is booked as sold."""
    by_build: Facts = detail(result, "agreement") or {}
    values = [(build, facts[STOCK]["p50"]) for build, facts in by_build.items()]
    watched = " and ".join(f"{facts[STOCK]['count']:.0f}" for facts in by_build.values())
    basis = f"Medians over {watched} orders; nothing below {AT_ONCE_MS:.0f} ms is told from 'at once'."
    return single("from the 201 until the stock is booked as sold", "ms", values, basis)


PLOTS = (when_each_agrees,)
HEADLINES = {"C6": headline}
