"""The plots of the scaling experiment: goodput and memory by replicas, and the p99 of those who only look around."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name

_LABEL = {"monolith": "whole monolith", "microservices": "payments only"}


def goodput(result: Result) -> Figure | None:
    """Goodput by replicas, with the straight line and the fitted law."""
    found: dict[str, list[dict[str, Any]]] = result.get("details", {}).get("scaling", {})
    if not found:
        return None
    laws: dict[str, dict[str, float]] = result["details"].get("laws", {})
    data: list[Figure] = []
    for build, points in found.items():
        x = [point["replicas"] for point in points]
        one = points[0]["goodput"] / points[0]["replicas"]
        data.append(_line(f"{_LABEL[build]}, straight line", [0, x[-1]], [0, one * x[-1]], build, "dot", 0.6))
        if law := laws.get(build):
            dense = [place / 10 for place in range(10, 10 * x[-1] + 1)]
            data.append(_line(f"{_LABEL[build]}, fitted law", dense, [_law(law, n) for n in dense], build, "dash", 0.8))
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{build_name(build)}: {_LABEL[build]}",
                "x": x,
                "y": [point["goodput"] for point in points],
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [point["goodput_high"] - point["goodput"] for point in points],
                    "arrayminus": [point["goodput"] - point["goodput_low"] for point in points],
                    "thickness": 1.5,
                },
                "marker": {"color": colour(build), "size": 11},
                "hovertemplate": "%{x} replicas: %{y:.3g} orders/s<extra></extra>",
            }
        )
    layout = _by_replicas("confirmed orders a second")
    reading = (
        "Dotted: what one replica did, times their number. Dashed: the Universal Scalability Law, fitted to the "
        "points. Upright bars go from the lowest to the highest run."
    )
    return figure("goodput-by-replicas", "What more replicas give", reading, [view("", data, layout)], 420)


def _law(law: dict[str, float], n: float) -> float:
    return law["one"] * n / (1 + law["contention"] * (n - 1) + law["coherence"] * n * (n - 1))


def _line(name: str, x: list[Any], y: list[float], build: str, dash: str, opacity: float) -> Figure:
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "hoverinfo": "skip",
        "line": {"color": colour(build, opacity), "dash": dash, "width": 2},
    }  # fmt: skip


def _by_replicas(title: str, log: bool = False) -> Figure:
    scale: Figure = {"type": "log", "dtick": "D2", "tickformat": "~g"} if log else {"rangemode": "tozero"}
    return {
        "xaxis": {"title": {"text": "replicas"}, "dtick": 1},
        "yaxis": {"title": {"text": title}, **scale},
        "legend": {"orientation": "h", "y": 1.2},
        "barmode": "group",
    }


def price(result: Result) -> Figure | None:
    """Memory per unit of goodput, memory in all, and the cold part's p99, by replicas."""
    found: dict[str, list[dict[str, Any]]] = result.get("details", {}).get("scaling", {})
    if not found:
        return None
    views = [
        _bars(found, "memory_per_goodput", "memory per order/s", "MB for each confirmed order a second"),
        _bars(found, "memory_mb", "memory", "MB of all parts"),
        _bars(found, "cold_p99", "p99 of product pages", "milliseconds", log=True),
        _bars(found, "cold_p50", "p50 of product pages", "milliseconds", log=True),
        _bars(found, "quota_used", "quota used", "share of the hot part's quota that was used"),
    ]
    reading = "All parts of a build count, its databases and broker too; product pages arrive at a steady rate."
    return figure("price-of-replicas", "What they cost, and whom they help", reading, views, 380)


def _bars(found: dict[str, list[dict[str, Any]]], key: str, name: str, title: str, *, log: bool = False) -> Figure:
    data = [
        {
            "type": "bar",
            "name": f"{build_name(build)}: {_LABEL[build]}",
            "x": [point["replicas"] for point in points],
            "y": [point[key] for point in points],
            "text": [f"{point[key]:.3g}" if point[key] < 1000 else f"{point[key]:.0f}" for point in points],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colour(build)},
            "hovertemplate": "%{x} replicas: %{y:.3g}<extra></extra>",
        }
        for build, points in found.items()
    ]
    return view(name, data, _by_replicas(title, log))
