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

import threading
import time
from dataclasses import dataclass
from typing import Any

from loadtests.engine import generator, slices
from loadtests.engine.arm import Arm, arms_up
from loadtests.engine.closing import close_books
from loadtests.engine.feeder import Feeder
from loadtests.engine.prober import Placed, Prober
from loadtests.engine.study import PRODUCTS, Study
from loadtests.experiments import consistency_plots
from loadtests.measure import agreement
from loadtests.measure.agreement import FACTS, MAIL, PAYMENT, ROW, STOCK
from loadtests.report.result import Result
from loadtests.report.words import build_name, number

PLOTS = consistency_plots.PLOTS

BUILDS = ("monolith", "microservices")
RATE = 10.0
EVERY_S = 0.2
LATEST_S = 30.0
AT_ONCE_MS = 2 * agreement.LOOK_EVERY_S * 1000  # found by the first look, or by the second


@dataclass(frozen=True)
class Form:
    """How much is measured."""

    rounds: int = 6
    duration_s: float = 12.0


QUICK = Form(rounds=1, duration_s=8.0)


def run(study: Study) -> Result:
    """Watch orders in both builds, in turns."""
    form = QUICK if study.quick else Form()
    study.narrator.plan(form.rounds * len(BUILDS) + len(BUILDS))
    lags: dict[str, dict[str, list[float]]] = {build: {fact: [] for fact in FACTS} for build in BUILDS}
    never: dict[str, dict[str, int]] = {build: dict.fromkeys(FACTS, 0) for build in BUILDS}
    with (
        arms_up(BUILDS, study.budget, keep=False) as arms,
        Feeder(study.folder / "generator.log") as feeder,
    ):
        for arm in arms.values():
            arm.fresh_data(PRODUCTS)
        for round_ in range(1, form.rounds + 1):
            for name in BUILDS if round_ % 2 else BUILDS[::-1]:
                _round(study, arms[name], feeder, round_, form.duration_s, lags[name], never[name])
        for name, arm in arms.items():
            histories = (study.folder / "raw").glob(f"*-{name}/orders.jsonl")
            close_books(study, arm, histories, [run for run in study.runs if run["build"] == name][-1])
    return conclude(study, lags, never)


def _round(
    study: Study, arm: Arm, feeder: Feeder, round_: int, duration_s: float, lags: dict[str, list[float]],
    never: dict[str, int],
) -> None:  # fmt: skip
    """Load the arm for a while, and let a customer buy and look meanwhile."""
    study.narrator.doing(f"Round {round_}: {arm.name}")
    folder = study.folder / "raw" / f"{round_:02d}-{arm.name}"
    order = generator.open_arrivals(
        arm.runner.address, arm.parties.identity, folder, profile=f"{RATE:g}x{duration_s:g}", duration_s=duration_s,
        mix="ordering", seed=study.seed + round_, warm_up_s=2.0, cores=study.budget.other,
    )  # fmt: skip
    placed: dict[str, float] = {}
    looking: list[threading.Thread] = []

    def look() -> None:
        looking.append(threading.Thread(target=buy_and_look, args=(arm, duration_s, placed, lags, never), daemon=True))
        looking[0].start()

    measured = slices.load(arm, feeder, order, memory=True, on_start=look)
    looking[0].join()
    mails, missing = agreement.mail_lags_ms(arm.parties, placed)
    lags[MAIL] += mails
    never[MAIL] += missing
    found = slices.row(study.next_number, arm.name, "mix", round_, RATE, measured)
    study.runs.append(found)
    study.narrator.done(f"round {round_}  {arm.name:<14} {len(placed)} orders watched")


def buy_and_look(
    arm: Arm, duration_s: float, placed: dict[str, float], lags: dict[str, list[float]], never: dict[str, int]
) -> None:
    """Buy at a steady pace, ask for each payment at once, and watch stock and notification of each order."""
    watching, connections = agreement.watches(arm.parties)
    began = time.monotonic()
    try:
        with Prober(arm.parties) as customer:
            for number_ in range(int(duration_s / EVERY_S)):
                time.sleep(max(0.0, began + number_ * EVERY_S - time.monotonic()))
                order = customer.place()
                if order.status != 201:
                    continue
                placed[order.order_id] = order.answered_at
                for watch in watching.values():
                    watch.add(order.order_id, order.answered_at)
                lag_ms = _payment_lag_ms(customer, order)
                lags[PAYMENT] += [] if lag_ms is None else [lag_ms]
                never[PAYMENT] += lag_ms is None
        for fact, watch in watching.items():
            never[fact] += watch.end(LATEST_S)
            lags[fact] += watch.lags_ms
    finally:
        for connection in connections:
            connection.close()


def _payment_lag_ms(customer: Prober, order: Placed) -> float | None:
    """Return how long after the 201 the payment was captured for its owner; 0 if at the first look."""
    for look in range(int(LATEST_S)):
        if customer.payment_status(order.payment_id) == "captured":
            return 0.0 if look == 0 else (time.time() - order.answered_at) * 1000
        time.sleep(agreement.LOOK_EVERY_S)
    return None


def conclude(study: Study, lags: dict[str, dict[str, list[float]]], never: dict[str, dict[str, int]]) -> Result:
    """Return the result of these lags in ms, by build and fact."""
    told = {build: {fact: agreement.summary(found) for fact, found in facts.items()} for build, facts in lags.items()}
    details: dict[str, Any] = {
        "agreement": {
            build: {
                fact: {**told[build][fact], "never": never[build][fact], "lags_ms": sorted(round(x, 1) for x in found)}
                for fact, found in facts.items()
            }
            for build, facts in lags.items()
        }
    }
    return study.result(answer=answer(told, never), comparison={}, findings=findings(told), details=details)


Told = dict[str, dict[str, dict[str, float]]]


def answer(told: Told, never: dict[str, dict[str, int]]) -> list[str]:
    """Return the answer in two sentences."""

    def of(build: str) -> str:
        parts = [f"{fact} {when(told[build][fact]['p50'])} ({when(told[build][fact]['p99'])})" for fact in FACTS]
        return f"{build_name(build)}: {', '.join(parts)}"

    lost = sum(sum(facts.values()) for facts in never.values())
    watched = {build: int(told[build][STOCK]["count"]) for build in told}
    return [
        f"After the 201, at the median (and the p99): {'; '.join(of(build) for build in told)}.",
        f"{lost} facts of {sum(watched.values())} watched orders were still missing after {LATEST_S:.0f} s.",
    ]


def when(lag_ms: float) -> str:
    """Return a lag in words; what the first looks found was there at once, as far as can be told."""
    return "at once" if lag_ms <= AT_ONCE_MS else f"after {number(lag_ms)} ms"


def findings(told: Told) -> dict[str, tuple[str, str]]:
    """Return the verdict on C6: stock and notification at once in the monolith, later in the services."""
    lags = {build: [told[build][fact]["p50"] for fact in (STOCK, ROW)] for build in told}
    if min(told[build][fact]["count"] for build in told for fact in (STOCK, ROW)) < 20:
        return {}
    at_once = {build: max(found) <= AT_ONCE_MS for build, found in lags.items()}
    verdict = "not shown"
    if at_once["monolith"] and min(lags["microservices"]) > AT_ONCE_MS:
        verdict = "supported"
    elif at_once["microservices"]:
        verdict = "refuted"
    evidence = (
        f"Stock sold and notification written, at the median: {when(lags['monolith'][0])} and "
        f"{when(lags['monolith'][1])} in the monolith, {when(lags['microservices'][0])} and "
        f"{when(lags['microservices'][1])} in the services, over {int(told['microservices'][STOCK]['count'])} "
        f"orders under load; what the monolith writes in one transaction is there with the answer."
    )
    return {"C6": (verdict, evidence)}
