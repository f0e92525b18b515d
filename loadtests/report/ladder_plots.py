"""The waterfall of the overhead ladder, and beside it what each rung makes a customer wait."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import UNIT_NAMES, Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name, number

_SHADES = {
    "monolith": "monolith", "colocated": "colocated", "direct": "direct", "microservices": "part-edge",
}  # fmt: skip


def waterfall(result: Result) -> Figure | None:
    """From the bottom rung to the top: what each step adds, with its interval; a view for each unit of work."""
    details = result.get("details", {})
    ladder: dict[str, dict[str, Any]] = details.get("ladder", {})
    views = [_climb(unit, found, details["rungs"]) for unit, found in ladder.items() if found["steps"]]
    if not views:
        return None
    reading = (
        "The first bar is the monolith; each further one hangs where the one before it ended, and is what that step "
        "adds: the mean over rounds, with its 95 % interval. An interval that reaches back to the start of its bar "
        "shows nothing."
    )
    return figure("waterfall", "What each step adds: CPU", reading, views, 460)


def _climb(unit: str, found: dict[str, Any], what: dict[str, str]) -> Figure:
    steps = found["steps"]
    bases, heights, names = [0.0], [found["base"]], [steps[0]["a"]]
    for one in steps:
        names.append(one["b"])
        bases.append(bases[-1] + heights[-1])
        heights.append(one["added"])
    total = bases[-1] + heights[-1]
    labels = [_label(name, what[name]) for name in names]
    data: list[Figure] = [
        {
            "type": "bar",
            "x": [*labels, "<b>services, in all</b>"],
            "y": [*heights, total],
            "base": [*bases, 0.0],
            "marker": {"color": [colour(_SHADES[name]) for name in names] + [colour("microservices")]},
            "text": [_shown(height, first=place == 0) for place, height in enumerate(heights)] + [_shown(total, True)],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "hovertemplate": "%{x}: %{y:.3g} ms<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": labels[1:],
            "y": [base + height for base, height in zip(bases[1:], heights[1:], strict=True)],
            "marker": {"size": 1, "color": colour("ink")},
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [one["high"] - one["added"] for one in steps],
                "arrayminus": [one["added"] - one["low"] for one in steps],
                "color": colour("ink"),
                "thickness": 1.5,
                "width": 6,
            },
            "hoverinfo": "skip",
        },
    ]
    layout = {
        "xaxis": {"showgrid": False, "tickfont": {"size": 12.5}},
        "yaxis": {"title": {"text": f"ms of CPU per {UNIT_NAMES[unit]}"}, "rangemode": "tozero"},
        "bargap": 0.3,
        "showlegend": False,
        "margin": {"l": 64, "r": 24, "t": 16, "b": 96},
    }
    return view(UNIT_NAMES[unit], data, layout)


def _label(name: str, what: str) -> str:
    words = what.split()
    half = (len(words) + 1) // 2
    return f"<b>{build_name(name)}</b><br>{' '.join(words[:half])}<br>{' '.join(words[half:])}"


def _shown(value: float, first: bool) -> str:
    return f"<b>{'' if first or value < 0 else '+'}{number(value)} ms</b>"


def beside(result: Result) -> Figure | None:
    """What is saved or lost with one thing taken away or exchanged."""
    rows = result.get("details", {}).get("beside", [])[::-1]
    if not rows:
        return None
    what = result["details"]["rungs"]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [what[row["b"]] for row in rows],
        "x": [row["added"] for row in rows],
        "marker": {"color": [colour("microservices" if row["added"] > 0 else "colocated") for row in rows]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [row["high"] - row["added"] for row in rows],
            "arrayminus": [row["added"] - row["low"] for row in rows],
            "color": colour("ink"),
            "thickness": 1.5,
            "width": 5,
        },
        "hovertemplate": "%{y}: %{x:+.3g} ms<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "ms of CPU per confirmed order, against the same build as it is"}},
        "yaxis": {"automargin": True, "showgrid": False},
        "bargap": 0.45,
    }  # fmt: skip
    reading = (
        "Each of these changes the work, so they stand beside the ladder and not on it: without tokens anybody may "
        "call an inner route; with events put off the mails and the stock's last step come later."
    )
    return figure("beside", "With one thing taken away or exchanged", reading, [view("", [trace], layout)], 300)


def waits(result: Result) -> Figure | None:
    """p50 and p99 of each rung."""
    found: dict[str, dict[str, dict[str, float]]] = result.get("details", {}).get("waits", {})
    what = result.get("details", {}).get("rungs", {})
    views = []
    for unit, rungs in found.items():
        if not what:
            continue
        data = [
            {
                "type": "bar",
                "name": percentile,
                "x": [build_name(name) for name in rungs],
                "y": [latency[percentile] for latency in rungs.values()],
                "text": [f"{number(latency[percentile])}" for latency in rungs.values()],
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"color": colour("colocated" if percentile == "p50" else "microservices")},
                "hovertemplate": "%{x}: %{y:.3g} ms<extra>" + percentile + "</extra>",
            }
            for percentile in ("p50", "p99")
        ]
        layout = {
            "barmode": "group",
            "yaxis": {"title": {"text": "milliseconds"}, "rangemode": "tozero"},
            "legend": {"orientation": "h", "y": 1.12},
        }
        views.append(view(UNIT_NAMES[unit], data, layout))
    if not views:
        return None
    reading = "From the moment a request was due, all slices of a rung together."
    return figure("waits", "What each rung makes a customer wait", reading, views, 380)
