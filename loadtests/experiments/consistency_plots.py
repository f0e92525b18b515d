"""The plot of consistency: when each part of a build agreed with what the customer was told."""

from __future__ import annotations

import math
from typing import Any

from loadtests.report.plot import Figure, axes, figure, line, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number

_MOST_POINTS = 200
_TICKS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]  # what the first look found is 'at once'
_LAST = ("payment visible",)  # there at once in both builds: not what one looks at first


def agreement(result: Result) -> Figure | None:
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


PLOTS = (agreement,)
