"""The plots of resilience: goodput over time, around a trigger that is over soon, and what an order cost meanwhile."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, axes, bars, figure, shares_over_time, view
from loadtests.report.result import Result, detail

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
