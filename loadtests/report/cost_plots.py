"""The plots of cost: CPU and memory by part, stacked, and CPU run by run."""

from __future__ import annotations

from collections.abc import Mapping

from loadtests.report import parts
from loadtests.report.plot import UNIT_NAMES, Figure, axes, bars, colour, figure, line, short_unit, view
from loadtests.report.result import Result
from loadtests.report.summary import Arm
from loadtests.report.words import build_name, number


def cpu(measured: list[Arm], unit: str) -> Figure | None:
    """CPU per unit of work, stacked by part, a bar for each build."""
    by_build = {arm.build: arm.cpu_ms_by_part for arm in measured if arm.unit == unit and arm.cpu_ms_by_part}
    reading = "CPU time of every part of the build, its databases, broker and edge included. Shorter is cheaper."
    axis = f"milliseconds of CPU per {UNIT_NAMES[unit]}"
    return _stacked(f"cpu-{unit}", f"CPU per {short_unit(unit)}, by part", reading, by_build, axis, "ms")


def memory(measured: list[Arm]) -> Figure | None:
    """Memory by part, a bar for each build."""
    by_build = {arm.build: arm.memory_mb_by_part for arm in measured if arm.memory_mb_by_part}
    reading = "Proportional set size after each run, the median of the runs; the outside world is in neither build."
    axis = "megabytes (shared pages are divided among those who share them)"
    return _stacked("memory", "Memory, by part", reading, by_build, axis, "MB")


def _stacked(
    id_: str, title: str, reading: str, by_build: Mapping[str, Mapping[str, float]], axis: str, unit: str
) -> Figure | None:
    if not by_build:
        return None
    data = []
    for part in parts.in_order(part for by_part in by_build.values() for part in by_part):
        having = [build for build in [*by_build][::-1] if by_build[build].get(part)]
        values = [by_build[build][part] for build in having]
        hover = f"%{{y}}: %{{x:.3g}} {unit}"
        trace = bars(part, [build_name(build) for build in having], values, parts.colour(part),
                     text=[part] * len(having), inside=True, lying=True, hover=hover)  # fmt: skip
        trace["marker"]["line"] = {"width": 1, "color": colour("paper")}
        data.append(trace)
    totals = [
        {"x": total, "y": build_name(build), "text": f"<b>{number(total)} {unit}</b>", "showarrow": False,
         "xanchor": "left", "xshift": 6}
        for build, by_part in by_build.items() if (total := sum(by_part.values()))
    ]  # fmt: skip
    layout = axes(
        axis, barmode="stack", bargap=0.35, y__automargin=True, y__showgrid=False, y__type="category",
        legend={"traceorder": "normal", "orientation": "h", "y": -0.42, "font": {"size": 12}}, annotations=totals,
        uniformtext={"minsize": 10, "mode": "hide"}, margin={"l": 64, "r": 90, "t": 8, "b": 110},
    )  # fmt: skip
    return figure(id_, title, reading, [view("", data, layout)], 190 + 66 * len(by_build))


def run_by_run(result: Result, measured: list[Arm]) -> Figure | None:
    """CPU per unit of every run in the order of time, so that drift can be seen."""
    count = len(result["runs"])
    views = []
    for unit in dict.fromkeys(arm.unit for arm in measured):
        data = []
        for arm in measured:
            costs = [(run["number"], run["cpu_ms_per_order" if unit == "mix" else "cpu_ms_per_unit"])
                     for run in arm.runs]  # fmt: skip
            costs = [(number, ms) for number, ms in costs if ms]
            if arm.unit == unit and costs:
                numbers, values = zip(*costs, strict=True)
                trace = line(build_name(arm.build), numbers, values, arm.build, dash="dot", width=1.5, opacity=0.35,
                             marks=True, hover="run %{x}: %{y:.3g} ms")  # fmt: skip
                trace["marker"]["color"] = colour(arm.build)
                data.append(trace)
        # So many runs lie between two marks of the axis that their numbers do not meet.
        tick = 1 if count < 30 else 10 if count < 150 else 50
        layout = axes("run, in the order of time", f"ms of CPU per {short_unit(unit)}", x__dtick=tick)
        if data:
            views.append(view(short_unit(unit), data, layout))
    if not views or count < 3:
        return None
    reading = "Each point is one run. Points of one colour that wander together are the machine, not the build."
    return figure("runs", "Run by run", reading, views, 330)
