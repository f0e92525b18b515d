"""Resilience knobs: what each does to a shop that has been in trouble for a moment.

Question: A part is slow for a few seconds. Which settings let the shop come back, and which keep it down?

Hypothesis: Naive retries turn a short trigger into a lasting failure: work that nobody waits for any more keeps
payments so busy that new orders time out too, and are tried again (a metastable failure). A retry budget with jitter,
or a circuit breaker, brings goodput back; a fallback does not heal anything, but tells the customer the truth.

Load: Open arrivals of orders only, at 20 % of what a closed loop brought through a moment before. Each call that enters
payments costs 60 ms of CPU, so that payments is what saturates. For some seconds each costs many times that (the
trigger), and then 60 ms as before. Orders wait one second for an answer of payments.

What is held equal: The same services, rate, seed, trigger, cores and length; between two arms one knob is turned.
Retries are set in both layers, orders to payments and payments to the provider. The books are reconciled after each.

How to read it: Goodput is orders confirmed at once (201), second by second; the shaded band is the trigger. What
matters is the line after the band: does it come back? Calls per order say what an order cost those who were in
trouble. Nothing is ever retried in the shop as it is shipped, but by its loops, seconds later.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.faults import injected_faults
from deploy.model.parts import VARIANT
from loadtests.engine import generator
from loadtests.engine.arm import Arm, ArmSpec, arm_up, outside_up
from loadtests.engine.study import Study
from loadtests.engine.timeline import Episode, Timeline
from loadtests.engine.trial import Load, run_trial
from loadtests.load.generator.record import Row
from loadtests.report.plot import Figure, axes, bars, figure, shares_over_time, view
from loadtests.report.result import Result, detail
from loadtests.report.words import number, percent, sentence_of_list

MIX = "orders-only"
SHARE_OF_CAPACITY = 0.2
WARM_UP_S = 3.0
WORK_MS = 60.0
TRIGGER_MS = 400.0
CALIBRATION_CLIENTS, CALIBRATION_S = 4, 8.0
LOWEST_RATE = 1.0
NAIVE, BUDGETED, BREAKER = "naive:6", "budgeted:6", "5:2"
NO_DEADLINE_S = "20"
BACK_SHARE = 0.8  # of the orders that are due: then it has come back
DOWN_SHARE = 0.5
LATE_S = 10.0  # the end of the run is what is judged


def _knobs(name: str, *, retries: str = "", breaker: str = "", deadline_s: str = "", fallback: bool = True) -> ArmSpec:
    both = {VARIANT: "retries", "RETRIES": retries, "CIRCUIT_BREAKER": breaker} if retries else {}
    orders = {"INNER_TIMEOUT_S": deadline_s or "1"} | ({} if fallback else {VARIANT: "resilience_off"})
    payments = {"PROVIDER_TIMEOUT_S": deadline_s or "0.8"}
    return ArmSpec(name, "microservices", {"orders": orders | both, "payments": payments | both})


ARMS = (
    _knobs("no-retries"),
    _knobs("naive-retries", retries=NAIVE),
    _knobs("budgeted-retries", retries=BUDGETED),
    _knobs("naive-with-breaker", retries=NAIVE, breaker=BREAKER),
    _knobs("no-deadlines", deadline_s=NO_DEADLINE_S),
    _knobs("no-fallback", fallback=False),
)
QUICK_ARMS = ("naive-retries", "budgeted-retries")


def run(study: Study) -> Result:
    """Trigger every arm once, and say which came back."""
    conditions = study.chosen("arms", ARMS, QUICK_ARMS)
    study.narrator.plan(1 + len(conditions))
    arms: list[dict[str, Any]] = []
    with outside_up(study.budget):
        rate = float(study.options.get("rate") or _calibrated(study))
        for condition in conditions:
            with _working(study, condition) as arm:
                arms.append(_triggered(study, arm, rate))
    study.notes.append(
        "Orders that are not confirmed at once are accepted (202) and confirmed later, or unknown (504) where the "
        "fallback is off; the loops finish all of them, and the books say so. After the load of `naive-retries` the "
        "retries were turned off: the knob that brings it back, without which its books may stay open."
    )
    return study.result(
        answer=answer(arms),
        comparison={},
        findings={"C9": verdict(arms)},
        next_command=f"make experiment NAME={'resilience' if study.quick else 'deploy'}",
        details={"goodput": arms},
    )


@contextmanager
def _working(study: Study, condition: ArmSpec) -> Iterator[Arm]:
    """Have an arm whose payments has work to do for each call."""
    with arm_up(condition, study.budget, armed=True) as arm:
        injected_faults.set_fault(arm.runner, "payments", {"hog_ms": WORK_MS})
        yield arm


def _calibrated(study: Study) -> float:
    """Return the rate of all arms: a share of what a closed loop brings through, without retries."""
    study.narrator.doing("Measuring how much payments can take")
    with _working(study, _knobs("calibration", deadline_s=NO_DEADLINE_S)) as arm:
        order = generator.closed_loop(
            arm.runner.address, arm.parties.identity, study.folder / "calibration", mix=MIX, seed=study.seed,
            clients=CALIBRATION_CLIENTS, duration_s=CALIBRATION_S, cores=arm.budget.other,
        )  # fmt: skip
        summary = generator.run(order, lambda: None)
    capacity: float = summary["requests"] / summary["duration_s"]
    rate = max(LOWEST_RATE, SHARE_OF_CAPACITY * capacity)
    study.narrator.done(f"a closed loop brought {capacity:.1f} orders/s through: {rate:.1f}/s for all arms")
    study.notes.append(f"A closed loop of {CALIBRATION_CLIENTS} brought {capacity:.1f} orders/s through.")
    return rate


def _triggered(study: Study, arm: Arm, rate: float) -> dict[str, Any]:
    calm_s, trigger_s, after_s = (6.0, 6.0, 14.0) if study.quick else (10.0, 8.0, 36.0)
    slow = Episode("payments-slow", "cpu-hog", calm_s, trigger_s, "payments", {"ms": TRIGGER_MS})
    timeline = Timeline(arm.runner, [slow])

    def turn_retries_off(_: Path) -> None:
        """What an operator would do: the books are to be closed, and naive retries may keep them open for ever."""
        for part in ("orders", "payments") if arm.name == "naive-retries" else ():
            arm.runner.configure(part, {"RETRIES": ""})

    load = Load(rate, calm_s + trigger_s + after_s, WARM_UP_S, MIX)
    trial = run_trial(study, arm, load, pair=1, seed=study.seed, meanwhile=timeline, before_books=turn_retries_off)
    trial.drop_costs(latencies=True)
    run, window = trial.run, timeline.windows[0]
    calls = trial.measured.counted.get("orders", {}).get("calls to payments")
    attempts = attempts_at_provider(arm.parties.provider, arm.parties.merchant)
    outcome = goodput(trial.rows(), window.broken_s, window.healed_s, load.duration_s) | {
        "arm": arm.name, "run": run["number"], "trigger": [window.broken_s, window.healed_s],
        "calls_to_payments_per_order": calls / run["units"] if calls is not None and run["units"] else None,
        "provider_attempts_per_order": attempts[0], "provider_attempts_most": attempts[1],
        "books_closed_s": trial.closed_at - timeline.healed_at, "reconciled": run["reconciled"], "void": run["void"],
    }  # fmt: skip
    study.narrator.tell(tell(outcome))
    return outcome


def goodput(rows: Sequence[Row], broken_s: float, healed_s: float, ends_s: float) -> dict[str, Any]:
    """Return orders confirmed at once as shares of those that were due: before, in the last seconds, by second."""
    orders = [row for row in rows if row.journey == "order" and row.due_s >= 0]

    def share(from_s: float, to_s: float, *codes: str) -> float:
        due = [row for row in orders if from_s <= row.due_s < to_s]
        return sum(row.code in codes for row in due) / len(due) if due else 0.0

    seconds = range(int(ends_s) + 1)
    good = Counter(int(row.due_s) for row in orders if row.code == "confirmed")
    due = Counter(int(row.due_s) for row in orders)
    before, late_from = share(0, broken_s - 1, "confirmed"), max(healed_s, ends_s - LATE_S)
    after = share(late_from, ends_s, "confirmed")
    return {
        "before": before,
        "end": after,
        "accepted_end": share(late_from, ends_s, "confirmed", "payment_pending"),
        "well_before": before >= BACK_SHARE,
        "came_back": before >= BACK_SHARE and after >= BACK_SHARE,
        "stayed_down": before >= BACK_SHARE and after < DOWN_SHARE,
        "confirmed_by_second": [good[second] for second in seconds],
        "due_by_second": [due[second] for second in seconds],
    }


def attempts_at_provider(provider: str, merchant: str) -> tuple[float | None, int]:
    """Return how often each charge was sent to the provider, on average and at most, by the provider's ledger."""
    with urllib.request.urlopen(f"{provider}/control/{merchant}/ledger", timeout=30) as answer:  # noqa: S310
        attempts = [charge["attempts"] for charge in json.load(answer)["charges"]]
    return (sum(attempts) / len(attempts), max(attempts)) if attempts else (None, 0)


def tell(arm: dict[str, Any]) -> str:
    """Return what became of an arm in one line."""
    state = _state(arm)
    return (
        f"  {arm['arm']:<20} goodput {percent(arm['before'])} before, {percent(arm['end'])} at the end: {state}; "
        f"{number(arm['calls_to_payments_per_order'])} calls to payments an order, "
        f"{number(arm['provider_attempts_per_order'])} attempts at the provider "
        f"({arm['provider_attempts_most']} at most)"
    )


def judged(arm: dict[str, Any]) -> bool:
    """Whether an arm says anything: its run is valid, and it was well before the trigger."""
    return bool(arm["well_before"]) and not arm["void"]


def _state(arm: dict[str, Any]) -> str:
    if not judged(arm):
        return "not judged: " + ("the run is void" if arm["void"] else "in trouble before the trigger")
    return "came back" if arm["came_back"] else "stayed down" if arm["stayed_down"] else "came back in part"


def verdict(arms: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return the verdict about C9 and its evidence."""
    by_arm = {one["arm"]: one for one in arms if judged(one)}
    outcomes = "; ".join(
        f"{one['arm']} {percent(one['end'])} of orders confirmed at once at the end ({percent(one['before'])} before), "
        f"{number(one['calls_to_payments_per_order'])} calls to payments an order ({_state(one)})"
        for one in arms
    )
    evidence = f"After payments was slow for {arms[0]['trigger'][1] - arms[0]['trigger'][0]:.0f} s: {outcomes}."
    naive = by_arm.get("naive-retries")
    helped = [by_arm[arm] for arm in ("naive-with-breaker", "budgeted-retries") if arm in by_arm]
    if naive is None or not helped:
        return "not measured", evidence
    if naive["stayed_down"] and any(one["came_back"] for one in helped):
        return "supported", evidence
    return "not shown", evidence


def answer(arms: Sequence[dict[str, Any]]) -> list[str]:
    """Return the two sentences on top of the report."""
    down = [one["arm"] for one in arms if judged(one) and one["stayed_down"]]
    back = [one["arm"] for one in arms if judged(one) and one["came_back"]]
    unjudged = [f"{one['arm']} is {_state(one)}." for one in arms if not judged(one)]
    length = arms[0]["trigger"][1] - arms[0]["trigger"][0]
    first = (
        f"Payments was slow for {length:.0f} s. Long after it was as before, {sentence_of_list(down)} sold next to "
        "nothing: a metastable failure."
        if down
        else f"Payments was slow for {length:.0f} s, and no arm stayed down after it."
    )
    return [first, f"These came back: {sentence_of_list(back)}." if back else "None came back by itself.", *unjudged]


WINDOW_S = 5  # that is smoothed over
_COLOURS = ("monolith", "bad", "good", "part-edge", "part-broker", "floor")
_ATTEMPTS = {
    "calls_to_payments_per_order": ("calls to payments", "part-applications-2"),
    "provider_attempts_per_order": ("attempts at the provider", "part-broker"),
}


def goodput_over_time(result: Result) -> Figure | None:
    """Orders confirmed at once, as a share of those due, for each arm."""
    arms: list[dict[str, Any]] | None = detail(result, "goodput")
    if not arms:
        return None
    counts = {arm["arm"]: (arm["confirmed_by_second"], arm["due_by_second"]) for arm in arms}
    pens = {arm: (shade, "solid") for arm, shade in zip(counts, _COLOURS * len(counts), strict=False)}
    over_time = shares_over_time("% of orders confirmed at once", counts, arms[0]["trigger"], WINDOW_S, pens)
    reading = (
        f"The share of the orders of each second that were answered 201, over {WINDOW_S} s. In the band payments is "
        "slow; after it, it works as before."
    )
    return figure("goodput", "Does it come back?", reading, [over_time], 430)


def attempts_per_order(result: Result) -> Figure | None:
    """What an order cost those who were in trouble: calls to payments, and attempts at the provider."""
    arms: list[dict[str, Any]] | None = detail(result, "goodput")
    if not arms:
        return None
    data = [
        bars(name, [arm["arm"] for arm in arms], [arm[key] for arm in arms], shade,
             text=[f"{arm[key]:.2f}" if arm[key] is not None else "" for arm in arms])
        for key, (name, shade) in _ATTEMPTS.items()
    ]  # fmt: skip
    reading = (
        "Calls that orders makes to payments, its retries and its recovery loop included; and the provider's ledger."
    )
    return figure("attempts", "Attempts per order", reading, [view("", data, axes(y="per order"))], 360)


PLOTS = (goodput_over_time, attempts_per_order)
