"""The map of the crossover: services over monolith, by cost and share of the hot part."""

from __future__ import annotations

import math
from typing import Any

from loadtests.report.plot import Figure, colour, figure, heat, view
from loadtests.report.result import Result, detail
from loadtests.report.words import number


def crossover(result: Result) -> Figure | None:
    """A view for each figure."""
    cells: list[dict[str, Any]] | None = detail(result, "crossover")
    if not cells:
        return None
    views = [
        _map(cells, "goodput", "goodput", better_high=True),
        _map(cells, "per_core", "goodput of a busy core", better_high=True),
        _map(cells, "cold_p99", "p99 of product pages", better_high=False),
    ]
    reading = (
        "Blue: the monolith is better here; orange: the services are. The figure is the services' over the monolith's; "
        "cells within a fifth of 1 show nothing."
    )
    return figure("crossover", "Which build for which load?", reading, views, 460)


def _map(cells: list[dict[str, Any]], key: str, name: str, *, better_high: bool) -> Figure:
    shares = sorted({cell["share"] for cell in cells})
    costs = sorted({cell["cost_ms"] for cell in cells})
    by_place = {(cell["cost_ms"], cell["share"]): cell for cell in cells}
    sign, unit = (1 if better_high else -1), (" ms" if key == "cold_p99" else "/s")
    rows = [[by_place[cost, share] for share in shares] for cost in costs]
    text = [
        [f"<b>{number(cell[key])} x</b><br>{number(cell['monolith'][key])}{unit} | "
         f"{number(cell['microservices'][key])}{unit}" for cell in row]
        for row in rows
    ]  # fmt: skip
    trace = heat(
        [f"{share:.0%} orders" for share in shares], [f"{cost} ms" for cost in costs],
        [[sign * math.log2(cell[key]) if cell[key] else None for cell in row] for row in rows], text,
        [(0, colour("monolith", 0.9)), (0.5, colour("paper")), (1, colour("microservices", 0.9))], (-2, 2),
        textfont={"color": colour("ink"), "size": 13},
    )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "share of orders in the traffic"}, "type": "category", "showgrid": False},
        "yaxis": {"title": {"text": "CPU of each order's risk score"}, "type": "category", "showgrid": False},
        "margin": {"l": 90, "r": 24, "t": 16, "b": 60},
    }
    return view(name, [trace], layout)


PLOTS = (crossover,)
