"""The plots of complexity: how much more there is of everything, and which parts an order can do without."""

from __future__ import annotations

from loadtests.report.plot import Figure, bars, figure, rows_down, upright, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, count

_ANSWERS = (("confirmed", "good"), ("accepted, pending", "warn"), ("refused", "bad"), ("no answer", "dim"))


def counted(result: Result) -> Figure | None:
    """Everything counted, as so many times the monolith's."""
    by_build: dict[str, dict[str, float]] | None = detail(result, "counted")
    if not by_build:
        return None
    one, other = by_build["monolith"], by_build["microservices"]
    names = [name for name in one if one[name] > 0 and name in other]
    ratios = [other[name] / one[name] for name in names]
    shades = ["microservices" if ratio > 1 else "monolith" for ratio in ratios]
    text = [f"{count(one[name])} → {count(other[name])}" for name in names]
    only = [f"{name} {count(other[name])}" for name in other if not one.get(name) and other[name]]
    reading = "Beside each bar: the monolith's figure and the services'." + (
        f" Only the services have: {', '.join(only)} (per order)." if only else ""
    )
    layout = rows_down("times the monolith's", x__range=[0, max(ratios) * 1.25], shapes=[upright(1, "ink")])
    data = [bars("", names, ratios, shades, text=text, lying=True, hover="%{y}: %{x:.2f} times")]
    return figure("counted", "How much more there is", reading, [view("", data, layout)], 130 + 34 * len(names))


def losses(result: Result) -> Figure | None:
    """How an order is answered while one part is down."""
    by_build: dict[str, dict[str, int]] | None = detail(result, "losses")
    if not by_build:
        return None
    said = {201: "confirmed", 202: "accepted, pending", 0: "no answer"}
    rows = [(f"{build_name(build)}: {part}", status) for build, parts in by_build.items()
            for part, status in parts.items()]  # fmt: skip
    data = []
    for answer, shade in _ANSWERS:
        having = [(name, status) for name, status in rows if said.get(status, "refused") == answer]
        text = [f"{answer} ({status})" if status else answer for _, status in having]
        data.append(bars(answer, [name for name, _ in having], [1] * len(having), shade, text=text, inside=True,
                         lying=True, opacity=0.75, hover="%{y}: %{text}"))  # fmt: skip
    layout = rows_down(barmode="stack", x__visible=False, x__range=[0, 1], y__categoryorder="array",
                       y__categoryarray=[name for name, _ in rows])  # fmt: skip
    reading = "One order, placed while the part in this row was killed and held down."
    title = "Which parts can fail on the way of an order?"
    return figure("losses", title, reading, [view("", data, layout)], 130 + 30 * len(rows))


PLOTS = (counted, losses)
