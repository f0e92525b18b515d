"""All plots of a report, as plain values for Plotly."""

from __future__ import annotations

import math
from collections import Counter

from loadtests.report import architecture_plots, cost_plots, latency_plot, migration_plots, trouble_plots
from loadtests.report.plot import Figure, colour, figure, upright, view
from loadtests.report.result import Ratio, Result
from loadtests.report.summary import arms
from loadtests.report.words import build_name, number

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50, 100)


def all_figures(result: Result) -> list[Figure]:
    """Return the plots that this result can show, each with id, title, a sentence on how to read it, and views."""
    found = arms(result)
    plots = [migration_plots.way(result), migration_plots.moves(result), *trouble_plots.figures(result)]
    plots += architecture_plots.figures(result)
    plots += [rates(result), ratios(result), latency_plot.bars(found), latency_plot.latency(found)]
    mixes = {run.get("load", {}).get("mix") for run in result["runs"] if run["unit"] == "mix"}
    units = ("order", "list", "product") if len(mixes) > 1 else ("order", "mix", "list")
    plots += [cost_plots.cpu(found, unit) for unit in units]
    plots += [cost_plots.memory(found), cost_plots.run_by_run(result, found)]
    return [plot for plot in plots if plot is not None]


def ratios(result: Result) -> Figure | None:
    """Every ratio with its interval, around the line at 1."""
    rows = list(result["comparison"].items())[::-1]
    if not rows:
        return None
    searched = "curves" in result.get("details", {})
    bar = "bounds" if searched else "95 % interval"
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [row["ratio"] for _, row in rows],
        "y": _labels(result["comparison"])[::-1],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [row["high"] - row["ratio"] for _, row in rows],
            "arrayminus": [row["ratio"] - row["low"] for _, row in rows],
            "thickness": 2,
            "width": 5,
            "color": colour("dim"),
        },
        "marker": {"size": 10, "color": [colour(row.get("b", "floor")) for _, row in rows]},
        "customdata": [[name, number(f["low"]), number(f["high"]), f.get("pairs", "")] for name, f in rows],
        "hovertemplate": f"<b>%{{y}}</b><br>%{{x:.3g}} times, {bar} %{{customdata[1]}} to %{{customdata[2]}}"
        "<br>%{customdata[3]} pairs<br>%{customdata[0]}<extra></extra>",
    }
    layout = {
        "xaxis": {
            "type": "log",
            "title": {"text": "times (log scale); 1 is no difference"},
            "tickvals": list(_TICKS),
            "ticktext": [f"{tick:g}" for tick in _TICKS],
            "range": [math.log10(edge) for edge in _range([row for _, row in rows])],
        },
        "yaxis": {"automargin": True, "showgrid": False},
        "shapes": [upright(1, "ink")],
        "showlegend": False,
    }  # fmt: skip
    reading = (
        "Each point is the ratio of two capacities, each bar reaches as far as the rates that failed allow: it is no "
        "confidence interval."
        if searched
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


def rates(result: Result) -> Figure | None:
    """Rate against p50, p95, p99 and errors, where an experiment searched for a capacity."""
    curves = result.get("details", {}).get("curves")
    if not curves:
        return None
    views = []
    for mix, builds in curves.items():
        data = []
        for build, points in builds.items():
            for percentile, dash in (("p50", "dot"), ("p95", "dash"), ("p99", "solid")):
                data.append(
                    {
                        "type": "scatter",
                        "mode": "lines+markers",
                        "name": f"{build_name(build)} {percentile}",
                        "x": [point["rate"] for point in points],
                        "y": [point[percentile] for point in points],
                        "line": {"color": colour(build), "dash": dash, "width": 2},
                        "customdata": [[point["error_share"] * 100] for point in points],
                        "hovertemplate": "%{x:.0f}/s: %{y:.3g} ms, errors %{customdata[0]:.2f} %<extra></extra>",
                    }
                )
        knees = result["details"].get("knees", {}).get(mix, {})
        layout = {
            "xaxis": {"title": {"text": "arrivals per second"}, "rangemode": "tozero"},
            "yaxis": {"type": "log", "title": {"text": "milliseconds"}, "dtick": "D2", "tickformat": "~g"},
            "shapes": [upright(knee, build, "dashdot") for build, knee in knees.items()],
            "legend": {"orientation": "h", "y": 1.15},
        }
        views.append(view(mix, data, layout))
    reading = "Latency at each rate that was tried; the upright line is the highest rate that kept the bounds."
    return figure("rates", "How much it can take", reading, views, 440)
