"""The plots of the scaling experiment: goodput and memory by replicas, and the p99 of those who only look around."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, axes, bars, figure, line, points, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number

_SCALED = {"monolith": "whole monolith", "microservices": "payments only",
           "monolith-equal": "quotas equal in sum"}  # fmt: skip


def goodput(result: Result) -> Figure | None:
    """Goodput by replicas, with the straight line and the fitted law."""
    by_build: dict[str, list[dict[str, Any]]] | None = detail(result, "scaling")
    if not by_build:
        return None
    laws: dict[str, dict[str, float]] = detail(result, "laws") or {}
    data: list[Figure] = []
    for build, measured in by_build.items():
        x, scaled = [point["replicas"] for point in measured], _SCALED[build]
        one = measured[0]["goodput"] / measured[0]["replicas"]
        quiet: Figure = {"width": 2, "hoverinfo": "skip"}
        if len(measured) > 1:
            data.append(line(f"{scaled}, straight line", [0, x[-1]], [0, one * x[-1]], build, dash="dot", opacity=0.6,
                         **quiet))  # fmt: skip
        if law := laws.get(build):
            dense = [place / 10 for place in range(10, 10 * x[-1] + 1)]
            fitted = [_law(law, n) for n in dense]
            data.append(line(f"{scaled}, fitted law", dense, fitted, build, dash="dash", opacity=0.8, **quiet))
        spread = [point["goodput_low"] for point in measured], [point["goodput_high"] for point in measured]
        data.append(points(f"{build_name(build)}: {scaled}", x, [point["goodput"] for point in measured], build,
                           spread=spread, hover="%{x} replicas: %{y:.3g} orders/s"))  # fmt: skip
    reading = (
        "Dotted: what one replica did, times their number. Dashed: the Universal Scalability Law, fitted to the "
        "points. Upright bars go from the lowest to the highest run."
    )
    layout = axes("replicas", "confirmed orders a second", x__dtick=1)
    return figure("goodput-by-replicas", "What more replicas give", reading, [view("", data, layout)], 420)


def _law(law: dict[str, float], n: float) -> float:
    return law["one"] * n / (1 + law["contention"] * (n - 1) + law["coherence"] * n * (n - 1))


def price(result: Result) -> Figure | None:
    """Memory per unit of goodput, memory in all, and the cold part's p99, by replicas."""
    by_build: dict[str, list[dict[str, Any]]] | None = detail(result, "scaling")
    if not by_build:
        return None
    views = [
        _by_replicas(by_build, "memory_per_goodput", "memory per order/s", "MB for each confirmed order a second"),
        _by_replicas(by_build, "memory_mb", "memory", "MB of all parts"),
        _by_replicas(by_build, "cold_p99", "p99 of product pages", "milliseconds", log=True),
        _by_replicas(by_build, "cold_p50", "p50 of product pages", "milliseconds", log=True),
        _by_replicas(by_build, "quota_used", "quota used", "share of the hot part's quota that was used"),
    ]
    reading = "All parts of a build count, its databases and broker too; product pages arrive at a steady rate."
    return figure("price-of-replicas", "What they cost, and whom they help", reading, views, 380)


def _by_replicas(
    by_build: dict[str, list[dict[str, Any]]], key: str, name: str, title: str, *, log: bool = False
) -> Figure:
    data = [
        bars(f"{build_name(build)}: {_SCALED[build]}", [point["replicas"] for point in measured],
             [point[key] for point in measured], build, text=[number(point[key]) for point in measured])
        for build, measured in by_build.items()
    ]  # fmt: skip
    return view(name, data, axes("replicas", title, log_y=log, x__dtick=1))


PLOTS = (goodput, price)
