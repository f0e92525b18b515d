"""What a trigger did to each arm: goodput before and long after it, who came back, the claim C9."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from loadtests.load.generator.record import Row
from loadtests.report.claims import NOT_MEASURED, NOT_SHOWN, SUPPORTED
from loadtests.report.headline import Headline, single
from loadtests.report.result import Result, detail
from loadtests.report.words import number, percent, sentence_of_list

BACK_SHARE = 0.8  # of the orders that are due: then it has come back
DOWN_SHARE = 0.5
LATE_S = 10.0  # the end of the run is what is judged


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
        return NOT_MEASURED, evidence
    if naive["stayed_down"] and any(one["came_back"] for one in helped):
        return SUPPORTED, evidence
    return NOT_SHOWN, evidence


def headline(result: Result) -> Headline | None:
    """Orders confirmed at once, long after the trigger."""
    values = [(one["arm"], 100 * one["end"]) for one in detail(result, "goodput") or () if judged(one)]
    basis = f"Of the orders that were due in the last {LATE_S:.0f} s; one run each."
    return single("orders confirmed at once, long after payments was slow", "%", values, basis)


def answer(arms: Sequence[dict[str, Any]]) -> list[str]:
    """Return the two sentences on top of the report."""
    down = [one["arm"] for one in arms if judged(one) and one["stayed_down"]]
    back = [one["arm"] for one in arms if judged(one) and one["came_back"]]
    unjudged = " ".join(f"{one['arm']} is {_state(one)}." for one in arms if not judged(one))
    length = arms[0]["trigger"][1] - arms[0]["trigger"][0]
    first = (
        f"Payments was slow for {length:.0f} s. Long after it was as before, {sentence_of_list(down)} sold next to "
        "nothing: a metastable failure."
        if down
        else f"Payments was slow for {length:.0f} s, and no arm stayed down after it."
    )
    second = f"These came back: {sentence_of_list(back)}." if back else "None came back by itself."
    return [first, second, unjudged] if unjudged else [first, second]
