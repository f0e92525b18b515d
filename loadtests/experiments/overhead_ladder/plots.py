"""The waterfall of the overhead ladder, and beside it what each rung makes a customer wait."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import UNIT_NAMES, Figure, axes, bars, figure, points, rows_down, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number


def waterfall(result: Result) -> Figure | None:
    """From the bottom rung to the top: what each step adds, with its interval; a view for each unit of work."""
    ladder: dict[str, dict[str, Any]] = detail(result, "ladder") or {}
    views = [_steps(unit, rungs, detail(result, "rungs")) for unit, rungs in ladder.items() if rungs["steps"]]
    if not views:
        return None
    reading = (
        "The first bar is the monolith; each further one hangs where the one before it ended, and is what that step "
        "adds: the mean over rounds, with its 95 % interval. An interval that reaches back to the start of its bar "
        "shows nothing."
    )
    return figure("waterfall", "What each step adds: CPU", reading, views, 460)


def _steps(unit: str, rungs: dict[str, Any], what: dict[str, str]) -> Figure:
    steps = rungs["steps"]
    names, heights, bases = [steps[0]["a"]], [rungs["base"]], [0.0]
    for step in steps:
        names.append(step["b"])
        bases.append(bases[-1] + heights[-1])
        heights.append(step["added"])
    total = bases[-1] + heights[-1]
    labels = [_label(name, what[name]) for name in names]
    shades = [*names[:-1], "part-edge", "microservices"]
    text = [_as_text(height, first=place == 0) for place, height in enumerate(heights)] + [_as_text(total, first=True)]
    spread = ([base + step["low"] for base, step in zip(bases[1:], steps, strict=True)],
              [base + step["high"] for base, step in zip(bases[1:], steps, strict=True)])  # fmt: skip
    data = [
        bars("", [*labels, "<b>services, in all</b>"], [*heights, total], shades, text=text, inside=True,
             base=[*bases, 0.0]),
        points("", labels[1:], [base + height for base, height in zip(bases[1:], heights[1:], strict=True)], "ink",
               spread=spread, size=1),
    ]  # fmt: skip
    layout = axes(y=f"ms of CPU per {UNIT_NAMES[unit]}", bargap=0.3, showlegend=False, x__showgrid=False,
                  margin={"l": 64, "r": 24, "t": 16, "b": 96})  # fmt: skip
    return view(UNIT_NAMES[unit], data, layout)


def _label(name: str, what: str) -> str:
    words = what.split()
    half = (len(words) + 1) // 2
    return f"<b>{build_name(name)}</b><br>{' '.join(words[:half])}<br>{' '.join(words[half:])}"


def _as_text(value: float, first: bool) -> str:
    return f"<b>{'' if first or value < 0 else '+'}{number(value)} ms</b>"


def ablations(result: Result) -> Figure | None:
    """What is saved or lost with one thing taken away or exchanged."""
    if not (rows := detail(result, "beside")):
        return None
    trace = bars(
        "", [detail(result, "rungs")[row["b"]] for row in rows], [row["added"] for row in rows],
        ["microservices" if row["added"] > 0 else "colocated" for row in rows], lying=True, hover="%{x:+.3g} ms",
        spread=([row["low"] for row in rows], [row["high"] for row in rows]),
    )  # fmt: skip
    reading = (
        "Each of these changes the work, so they stand beside the ladder and not on it: without tokens anybody may "
        "call an inner route; with events put off the mails and the stock's last step come later."
    )
    layout = rows_down("ms of CPU per confirmed order, against the same build as it is")
    return figure("beside", "With one thing taken away or exchanged", reading, [view("", [trace], layout)], 300)


def waits(result: Result) -> Figure | None:
    """p50 and p99 of each rung."""
    if not (by_unit := detail(result, "waits")) or not detail(result, "rungs"):
        return None
    views = []
    for unit, rungs in by_unit.items():
        data = [
            bars(percentile, [build_name(name) for name in rungs], [rung[percentile] for rung in rungs.values()], shade,
                 text=[number(rung[percentile]) for rung in rungs.values()])
            for percentile, shade in (("p50", "colocated"), ("p99", "microservices"))
        ]  # fmt: skip
        views.append(view(UNIT_NAMES[unit], data, axes(y="milliseconds")))
    reading = "From the moment a request was due, all slices of a rung together."
    return figure("waits", "What each rung makes a customer wait", reading, views, 380)


PLOTS = (waterfall, ablations, waits)
