"""All plots of a report: those that every result can show, and before them those of its experiment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from loadtests.report import cost_plots, latency_plot
from loadtests.report.peak_plot import by_factor
from loadtests.report.plot import Figure, Plot, axes, colour, figure, points, table, upright, view
from loadtests.report.rate_plot import factor_values, latency_by_rate
from loadtests.report.result import Ratio, Result
from loadtests.report.summary import arms
from loadtests.report.words import build_name, number

MOST_RATIOS = 36  # the others are in the table of ratios and in result.json
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50, 100)


def all_figures(result: Result, plots: Sequence[Plot] = ()) -> list[Figure]:
    """Return the plots that this result can show, each with id, title, a sentence on how to read it, and views.

    `plots` are its experiment's own; they come first.
    """
    measured = arms(result)
    mixes = {run.get("load", {}).get("mix") for run in result["runs"] if run["unit"] == "mix"}
    units = ("order", "list", "product") if len(mixes) > 1 else ("order", "mix", "list")
    drawn = [
        *(plot(result) for plot in (*plots, latency_by_rate, by_factor, factor_values, targets, ratios)),
        latency_plot.bars(measured),
        latency_plot.latency(measured),
        *(cost_plots.cpu(measured, unit) for unit in units),
        cost_plots.memory(measured),
        cost_plots.run_by_run(result, measured),
    ]
    return [plot for plot in drawn if plot is not None]


def ratios(result: Result) -> Figure | None:
    """Every ratio with its interval, around the line at 1."""
    comparison = dict(list(result["comparison"].items())[:MOST_RATIOS])
    rows = list(comparison.items())[::-1]
    if not rows:
        return None
    bounds = all(row.get("pairs") == 1 for _, row in rows)
    said = [[name, number(row["low"]), number(row["high"]), row.get("pairs", "")] for name, row in rows]
    hover = (
        f"<b>%{{y}}</b><br>%{{x:.3g}} times, {'bounds' if bounds else '95 % interval'} %{{customdata[1]}} to "
        "%{customdata[2]}<br>%{customdata[3]} pairs<br>%{customdata[0]}"
    )
    trace = points(
        "", [row["ratio"] for _, row in rows], _labels(comparison)[::-1],
        [row.get("b", "floor") for _, row in rows], along="x", hover=hover, customdata=said,
        spread=([row["low"] for _, row in rows], [row["high"] for _, row in rows]),
    )  # fmt: skip
    trace["error_x"]["color"] = colour("dim")
    layout = axes(
        "times (log scale); 1 is no difference", x__type="log", x__tickvals=_TICKS,
        x__ticktext=[f"{tick:g}" for tick in _TICKS],
        x__range=[math.log10(edge) for edge in _range([row for _, row in rows])],
        y__automargin=True, y__showgrid=False, shapes=[upright(1, "ink")], showlegend=False,
    )  # fmt: skip
    reading = (
        "Each bar reaches as far as what was tried allows, or is of a single pair: it is no confidence interval."
        if bounds
        else "Each point is the ratio over all pairs, each bar its 95 % interval. A bar that touches 1 shows nothing."
    )
    return figure("ratios", "How many times as much", reading, [view("", [trace], layout)], 110 + 44 * len(rows))


def _labels(comparison: dict[str, Ratio]) -> list[str]:
    """Return what each ratio is of; of whom, too, where several are of the same figure."""
    seen = Counter(row.get("what", name) for name, row in comparison.items())
    return [
        what
        if seen[what := row.get("what", name)] == 1
        else f"{what},<br>{build_name(row.get('b', ''))} / {build_name(row.get('a', ''))}"
        for name, row in comparison.items()
    ]


def _range(rows: list[Ratio]) -> tuple[float, float]:
    """Return an axis that shows every ratio, and intervals as far as they say something."""
    low = min(1.0, *(max(row["low"], row["ratio"] / 4) for row in rows))
    high = max(1.0, *(min(row["high"], row["ratio"] * 4) for row in rows))
    return low / 1.15, high * 1.15


def targets(result: Result) -> Figure | None:
    """The figures that the project promises, beside what was measured."""
    rows: list[dict[str, Any]] = result.get("details", {}).get("targets", [])
    if not rows:
        return None
    cells = [
        {
            "figure": row["figure"],
            "measured": _known(row["measured"]),
            "promised": _known(row["target"]),
            "control": _known(row.get("control")),
            "": "met" if row["met"] else "missed",
        }
        for row in rows
    ]
    reading = "Control: the same figure where nothing was broken, which tells what the machine alone does."
    shades = ["good" if row["met"] else "bad" for row in rows]
    return table("targets", "What was promised", reading, cells, [5, 1, 1, 1, 1], shades)


def _known(value: float | None) -> str:
    return "" if value is None else number(value)
