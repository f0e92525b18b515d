"""Plots of what a fault takes with it: the map of faults and journeys, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadtests.report.plot import Figure, colour, figure, heat, points, rows_down, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number

WORST_TIMES = 10.0
_SCALE = ("bad", "part-broker", "good")
_MARKS = {
    "first_good_order_s": ("first good order", "circle", "good"),
    "all_good_s": ("last failed request", "x", "bad"),
    "books_closed_s": ("books closed", "diamond", "accent"),
}


def heat_map(result: Result) -> Figure | None:
    """Rows: fault and act. Columns: arms. A view for availability, one for the p99 of before and during."""
    impacts: list[dict[str, Any]] | None = detail(result, "impacts")
    if not impacts:
        return None
    arms = list(dict.fromkeys(impact["arm"] for impact in impacts))
    rows = [(fault, act) for fault in dict.fromkeys(i["fault"] for i in impacts) for act in impacts[0]["acts"]]
    effects = {(i["arm"], i["fault"], act): (i, effect) for i in impacts for act, effect in i["acts"].items()}
    Value = Callable[[dict[str, Any], dict[str, Any]], float | None]

    def share(_: dict[str, Any], effect: dict[str, Any]) -> float | None:
        available = effect["available_during"]
        return None if available is None else available * 100

    def times(impact: dict[str, Any], effect: dict[str, Any]) -> float | None:
        before, during = effect["p99_before_ms"], effect["p99_during_ms"]
        # In a void run what left late waited for the generator.
        return during / before if before and during is not None and not impact["void"] else None

    def map_of(name: str, value: Value, words: Callable[[float], str], bounds: tuple[float, float]) -> Figure:
        cells = [[value(*effects[arm, *row]) if (arm, *row) in effects else None for arm in arms] for row in rows]
        text = [["" if cell is None else words(cell) for cell in line] for line in cells]
        scale = [(at / 2, colour(shade)) for at, shade in enumerate(_SCALE if bounds[0] == 0 else _SCALE[::-1])]
        trace = heat([build_name(arm) for arm in arms], [f"{fault} · {act}" for fault, act in rows], cells, text, scale,
                     bounds, textfont={"color": colour("paper")})  # fmt: skip
        layout = {
            "yaxis": {"autorange": "reversed", "automargin": True, "showgrid": False, "type": "category"},
            "xaxis": {"side": "top", "automargin": True, "showgrid": False, "type": "category"},
            "margin": {"l": 64, "r": 24, "t": 40, "b": 16},
        }
        return view(name, [trace], layout)

    views = [
        map_of("answered rightly", share, lambda cell: "100 %" if cell == 100 else f"{cell:.1f} %", (0, 100)),
        map_of("p99, times before", times, lambda cell: f"{number(cell, 2)} x", (1, WORST_TIMES)),
    ]
    reading = (
        "Share of requests that were answered rightly while the fault lasted, judged by content; in the second view "
        "how many times its p99 before the fault each journey waited. Empty: nothing (for a p99 too little) was asked, "
        "or the arm has no such part."
    )
    return figure("blast", "What a fault takes with it", reading, views, 130 + 24 * len(rows))


def recovery(result: Result) -> Figure | None:
    """How long after healing: the first good order, the last failure, the books closed."""
    impacts = [impact for impact in detail(result, "impacts") or () if impact["fault"] != "nothing"]
    if not impacts:
        return None
    names = [f"{impact['fault']} · {build_name(impact['arm'])}" for impact in impacts]
    data = [
        points(name, [impact[key] for impact in impacts], names, shade, symbol=symbol, hover="%{y}: %{x:.1f} s")
        for key, (name, symbol, shade) in _MARKS.items()
    ]
    reading = "Healed means that the part is back and ready. The books cannot be closed before the load has stopped."
    layout = rows_down("seconds after the fault was healed")
    return figure("recovery", "The way back", reading, [view("", data, layout)], 150 + 30 * len(names))


PLOTS = (heat_map, recovery)
