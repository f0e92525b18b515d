"""The plot of goodput over time, around a trigger that is over soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result

WINDOW = 5  # seconds that are smoothed over
_COLOURS = ("monolith", "bad", "good", "part-edge", "part-broker", "floor")


def goodput(result: Result) -> Figure | None:
    """Orders confirmed at once, as a share of those due, for each arm."""
    found: list[dict[str, Any]] = result.get("details", {}).get("goodput", [])
    if not found:
        return None
    data = []
    for one, shade in zip(found, _COLOURS * len(found), strict=False):
        shares = smoothed_shares(one["confirmed_by_second"], one["due_by_second"], WINDOW)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": one["arm"],
                "x": list(range(len(shares))),
                "y": shares,
                "line": {"color": colour(shade), "width": 2.5},
                "hovertemplate": "%{x} s: %{y:.0f} %<extra>" + one["arm"] + "</extra>",
            }
        )
    layout = shares_over_time("% of orders confirmed at once", found[0]["trigger"])
    reading = (
        f"The share of the orders of each second that were answered 201, over {WINDOW} s. In the band payments is "
        "slow; after it, it works as before."
    )
    return figure("goodput", "Does it come back?", reading, [view("", data, layout)], 430)


def attempts(result: Result) -> Figure | None:
    """What an order cost those who were in trouble: calls to payments, and attempts at the provider."""
    found: list[dict[str, Any]] = result.get("details", {}).get("goodput", [])
    if not found:
        return None
    kinds = {
        "calls_to_payments_per_order": ("calls to payments", "part-applications-2"),
        "provider_attempts_per_order": ("attempts at the provider", "part-broker"),
    }
    data = [
        {
            "type": "bar",
            "name": name,
            "x": [one["arm"] for one in found],
            "y": [one[key] for one in found],
            "text": [f"{one[key]:.2f}" if one[key] is not None else "" for one in found],
            "marker": {"color": colour(shade)},
            "hovertemplate": "%{x}: %{y:.2f} " + name + " per order<extra></extra>",
        }
        for key, (name, shade) in kinds.items()
    ]
    layout = {
        "barmode": "group",
        "yaxis": {"title": {"text": "per order"}, "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": 1.14},
    }
    reading = (
        "Calls that orders makes to payments, its retries and its recovery loop included; and the provider's ledger."
    )
    return figure("attempts", "Attempts per order", reading, [view("", data, layout)], 360)


def shares_over_time(what: str, trouble: Sequence[float]) -> dict[str, Any]:
    """Return the layout of shares in per cent by second; `trouble` (from, to, in seconds) is a band behind them."""
    from_s, to_s = trouble
    band = {"type": "rect", "x0": from_s, "x1": to_s, "y0": 0, "y1": 1, "yref": "paper", "line": {"width": 0},
            "fillcolor": colour("bad", 0.12), "layer": "below"}  # fmt: skip
    return {
        "xaxis": {"title": {"text": "seconds"}},
        "yaxis": {"title": {"text": what}, "range": [0, 104]},
        "shapes": [band],
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.14},
    }


def smoothed_shares(good: Sequence[int], due: Sequence[int], window_s: int) -> list[float | None]:
    """Return how many per cent of what was due were good, by second, over the seconds up to it; None of nothing."""
    shares: list[float | None] = []
    for second in range(len(due)):
        window = slice(max(0, second - window_s + 1), second + 1)
        asked = sum(due[window])
        shares.append(100 * sum(good[window]) / asked if asked else None)
    return shares
