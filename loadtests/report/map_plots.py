"""The plots of consistency, crossover and complexity."""

from __future__ import annotations

import math
from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name, count, number

_MOST_POINTS = 200
_TICKS = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]  # what the first look found is 'at once'
_LAST = ("payment visible",)  # there at once in both builds: not what one looks at first


def agreement(result: Result) -> Figure | None:
    """For each fact, the share of orders for which it held so many ms after the 201."""
    found: dict[str, dict[str, Any]] = result.get("details", {}).get("agreement", {})
    if not found:
        return None
    views = []
    facts = sorted(next(iter(found.values())), key=_LAST.__contains__)
    highest = max(lag for told in found.values() for one in told.values() for lag in one["lags_ms"])
    for fact in facts:
        data = [_curve(build, told[fact]) for build, told in found.items() if told[fact]["lags_ms"]]
        layout = {
            "xaxis": {
                "type": "log",
                "title": {"text": "milliseconds after the 201"},
                "tickvals": _TICKS,
                "ticktext": ["at once", *(f"{tick}" for tick in _TICKS[1:])],
                "range": [math.log10(_TICKS[0]) - 0.05, math.log10(max(highest, 1000)) + 0.05],
            },
            "yaxis": {"title": {"text": "orders for which it held"}, "tickformat": ".0%", "range": [0, 1.02]},
            "legend": {"orientation": "h", "y": 1.14},
        }
        views.append(view(fact, data, layout))
    reading = (
        "How long after the customer was told 'confirmed' a fact held for how many of the orders. The left edge is "
        "'at the first look'; nothing below 10 ms is told apart."
    )
    return figure("agreement", "When does every part know?", reading, views, 400)


def _curve(build: str, told: dict[str, Any]) -> Figure:
    lags = told["lags_ms"]
    every = max(1, len(lags) // _MOST_POINTS)
    total = len(lags) + told["never"]
    places = sorted({*range(0, len(lags), every), len(lags) - 1})
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{build_name(build)}: median {_lag(told['p50'])}, p99 {_lag(told['p99'])}",
        "x": [float(_TICKS[0]), *(max(float(_TICKS[0]), lags[place]) for place in places)],
        "y": [0.0, *((place + 1) / total for place in places)],
        "line": {"color": colour(build), "width": 3, "shape": "hv"},
        "hovertemplate": "%{x:.0f} ms: %{y:.0%}<extra></extra>",
    }


def _lag(ms: float) -> str:
    return f"{number(ms)} ms" if ms > _TICKS[0] else "at once"


def crossover(result: Result) -> Figure | None:
    """The map: services over monolith, by cost and share of the hot part."""
    cells: list[dict[str, Any]] = result.get("details", {}).get("crossover", [])
    if not cells:
        return None
    views = [
        _heat(cells, "goodput", "goodput", better_high=True),
        _heat(cells, "per_core", "goodput of a busy core", better_high=True),
        _heat(cells, "cold_p99", "p99 of product pages", better_high=False),
    ]
    reading = (
        "Blue: the monolith is better here; orange: the services are. The figure is the services' over the monolith's; "
        "cells within a fifth of 1 show nothing."
    )
    return figure("crossover", "Which build for which load?", reading, views, 460)


def _heat(cells: list[dict[str, Any]], key: str, name: str, *, better_high: bool) -> Figure:
    shares = sorted({cell["share"] for cell in cells})
    costs = sorted({cell["cost_ms"] for cell in cells})
    by_place = {(cell["cost_ms"], cell["share"]): cell for cell in cells}
    sign = 1 if better_high else -1
    rows = [[by_place[cost, share] for share in shares] for cost in costs]
    told = [[f"<b>{number(cell[key])} x</b><br>{_beneath(cell, key)}" for cell in line] for line in rows]
    trace = {
        "type": "heatmap",
        "x": [f"{share:.0%} orders" for share in shares],
        "y": [f"{cost} ms" for cost in costs],
        "z": [[sign * math.log2(cell[key]) if cell[key] else None for cell in line] for line in rows],
        "text": told,
        "texttemplate": "%{text}",
        "textfont": {"color": colour("ink"), "size": 13},
        "zmid": 0,
        "zmin": -2,
        "zmax": 2,
        "colorscale": [[0, colour("monolith", 0.9)], [0.5, colour("paper")], [1, colour("microservices", 0.9)]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "hovertemplate": "%{x}, %{y} each: %{text}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "share of orders in the traffic"}, "type": "category", "showgrid": False},
        "yaxis": {"title": {"text": "CPU of each order's risk score"}, "type": "category", "showgrid": False},
        "margin": {"l": 90, "r": 24, "t": 16, "b": 60},
    }
    return view(name, [trace], layout)


def _beneath(cell: dict[str, Any], key: str) -> str:
    unit = " ms" if key == "cold_p99" else "/s"
    return f"{number(cell['monolith'][key])}{unit} | {number(cell['microservices'][key])}{unit}"


def counted(result: Result) -> Figure | None:
    """Everything counted, as so many times the monolith's."""
    found: dict[str, dict[str, float]] = result.get("details", {}).get("counted", {})
    if not found:
        return None
    one, other = found["monolith"], found["microservices"]
    names = [name for name in one if one[name] > 0 and name in other][::-1]
    ratios = [other[name] / one[name] for name in names]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": ratios,
        "marker": {"color": [colour("microservices" if ratio > 1 else "monolith") for ratio in ratios]},
        "text": [f"{count(one[name])} → {count(other[name])}" for name in names],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.2f} times<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "times the monolith's"}, "range": [0, max(ratios) * 1.25]},
        "yaxis": {"automargin": True, "showgrid": False},
        "bargap": 0.35,
        "shapes": [
            {
                "type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"color": colour("ink", 0.6), "width": 1.5, "dash": "dot"},
            }
        ],
    }  # fmt: skip
    only = [f"{name} {count(other[name])}" for name in other if not one.get(name) and other[name]]
    reading = "Beside each bar: the monolith's figure and the services'." + (
        f" Only the services have: {', '.join(only)} (per order)." if only else ""
    )
    return figure("counted", "How much more there is", reading, [view("", [trace], layout)], 130 + 34 * len(names))


def losses(result: Result) -> Figure | None:
    """How an order is answered while one part is down."""
    found: dict[str, dict[str, int]] = result.get("details", {}).get("losses", {})
    if not found:
        return None
    said = {201: "confirmed", 202: "accepted, pending", 0: "no answer"}
    data = []
    for kind, shade in (("confirmed", "good"), ("accepted, pending", "warn"), ("refused", "bad"), ("no answer", "dim")):
        rows = [
            (f"{build_name(build)}: {part}", status)
            for build, parts in found.items()
            for part, status in parts.items()
            if said.get(status, "refused") == kind
        ]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": kind,
                "y": [name for name, _ in rows],
                "x": [1] * len(rows),
                "text": [f"{kind} ({status})" if status else kind for _, status in rows],
                "textposition": "inside",
                "marker": {"color": colour(shade, 0.75)},
                "hovertemplate": "%{y}: %{text}<extra></extra>",
            }
        )
    order = [f"{build_name(build)}: {part}" for build, parts in found.items() for part in parts][::-1]
    layout = {
        "barmode": "stack",
        "xaxis": {"visible": False, "range": [0, 1]},
        "yaxis": {"automargin": True, "showgrid": False, "categoryorder": "array", "categoryarray": order},
        "legend": {"orientation": "h", "y": 1.08},
        "bargap": 0.25,
    }
    reading = "One order, placed while the part in this row was killed and held down."
    height = 130 + 30 * len(order)
    return figure("losses", "Which parts can fail on the way of an order?", reading, [view("", data, layout)], height)
