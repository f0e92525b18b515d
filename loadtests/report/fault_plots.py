"""Plots of experiments that break things: the map of faults and journeys, and the way back."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name, number

WORST_TIMES = 10.0


def heat_map(result: Result) -> Figure | None:
    """Rows: fault and act. Columns: arms. A view for availability, one for the p99 of before and during."""
    impacts: list[dict[str, Any]] = result.get("details", {}).get("impacts", [])
    if not impacts:
        return None
    arms = list(dict.fromkeys(impact["arm"] for impact in impacts))
    rows = [(fault, act) for fault in dict.fromkeys(i["fault"] for i in impacts) for act in impacts[0]["acts"]]
    effects = {(i["arm"], i["fault"], act): effect for i in impacts for act, effect in i["acts"].items()}

    def cells(value: Any) -> list[list[float | None]]:
        return [[value(effect) if (effect := effects.get((arm, *row))) else None for arm in arms] for row in rows]

    def share(effect: dict[str, Any]) -> float | None:
        found = effect["available_during"]
        return None if found is None else found * 100

    def times(effect: dict[str, Any]) -> float | None:
        before, during = effect["p99_before_ms"], effect["p99_during_ms"]
        return during / before if before and during is not None else None

    void = {(impact["arm"], impact["fault"]) for impact in impacts if impact["void"]}

    shares, ratios = cells(share), cells(times)
    for line, (fault, _) in zip(ratios, rows, strict=True):  # what left late waited for the generator
        line[:] = [None if (arm, fault) in void else cell for arm, cell in zip(arms, line, strict=True)]
    views = [
        view("answered rightly", [_map(arms, rows, shares, "%", 0, 100, good_is_high=True)], _layout(rows)),
        view("p99, times before", [_map(arms, rows, ratios, "x", 1, WORST_TIMES, good_is_high=False)], _layout(rows)),
    ]
    reading = (
        "Share of requests that were answered rightly while the fault lasted, judged by content; in the second view "
        "how many times its p99 before the fault each journey waited. Empty: nothing (for a p99 too little) was asked, "
        "or the arm has no such part."
    )
    return figure("blast", "What a fault takes with it", reading, views, 130 + 24 * len(rows))


def _map(
    arms: list[str], rows: list[tuple[str, str]], cells: list[list[float | None]], unit: str, low: float, high: float,
    *, good_is_high: bool,
) -> Figure:  # fmt: skip
    scale = [[0, colour("bad")], [0.5, colour("part-broker")], [1, colour("good")]]
    if not good_is_high:
        scale = [[at, name] for (at, _), (_, name) in zip(scale, scale[::-1], strict=True)]
    return {
        "type": "heatmap",
        "x": [build_name(arm) for arm in arms],
        "y": [f"{fault} · {act}" for fault, act in rows],
        "z": cells,
        "zmin": low,
        "zmax": high,
        "text": [[_shown(cell, unit) for cell in row] for row in cells],
        "texttemplate": "%{text}",
        "textfont": {"color": "#ffffff"},
        "colorscale": scale,
        "showscale": False,
        "xgap": 3,
        "ygap": 2,
        "hovertemplate": "%{x}<br>%{y}<br>%{text}<extra></extra>",
    }


def _shown(cell: float | None, unit: str) -> str:
    if cell is None:
        return ""
    if unit == "%":
        return "100 %" if cell == 100 else f"{cell:.1f} %"
    return f"{number(cell, 2)} x"


def _layout(rows: list[tuple[str, str]]) -> Figure:
    return {
        "yaxis": {"autorange": "reversed", "automargin": True, "showgrid": False, "type": "category"},
        "xaxis": {"side": "top", "showgrid": False, "type": "category"},
        "margin": {"l": 64, "r": 24, "t": 40, "b": 16},
    }


def recovery(result: Result) -> Figure | None:
    """How long after healing: the first good order, the last failure, the books closed."""
    impacts: list[dict[str, Any]] = result.get("details", {}).get("impacts", [])
    impacts = [impact for impact in impacts if impact["fault"] != "nothing"]
    if not impacts:
        return None
    names = [f"{impact['fault']} · {build_name(impact['arm'])}" for impact in impacts]
    marks = {
        "first_good_order_s": ("first good order", "circle", "good"),
        "all_good_s": ("last failed request", "x", "bad"),
        "books_closed_s": ("books closed", "diamond", "accent"),
    }
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": shown,
            "x": [impact[key] for impact in impacts],
            "y": names,
            "marker": {"symbol": symbol, "size": 11, "color": colour(shade)},
            "hovertemplate": f"{shown}: %{{x:.1f}} s after healing<br>%{{y}}<extra></extra>",
        }
        for key, (shown, symbol, shade) in marks.items()
    ]
    layout = {
        "xaxis": {"title": {"text": "seconds after the fault was healed"}, "rangemode": "tozero"},
        "yaxis": {"automargin": True, "autorange": "reversed", "type": "category"},
        "legend": {"orientation": "h", "y": 1.08},
    }
    reading = "Healed means that the part is back and ready. The books cannot be closed before the load has stopped."
    return figure("recovery", "The way back", reading, [view("", data, layout)], 150 + 30 * len(names))
