"""The plots of cost: CPU and memory by part, stacked, and CPU run by run."""

from __future__ import annotations

from loadtests.report import parts
from loadtests.report.plot import UNIT_NAMES, Figure, colour, figure, short_unit, view
from loadtests.report.result import Result
from loadtests.report.summary import Arm
from loadtests.report.words import build_name, number


def cpu(found: list[Arm], unit: str) -> Figure | None:
    """CPU per unit of work, stacked by part, a bar for each build."""
    chosen = [arm for arm in found if arm.unit == unit and arm.cpu_ms_by_part]
    if not chosen:
        return None
    data = _stacked(chosen, {arm.build: arm.cpu_ms_by_part for arm in chosen}, "ms")
    layout = _stacked_layout(f"milliseconds of CPU per {UNIT_NAMES[unit]}")
    layout["annotations"] = [_total(arm.build, arm.cpu_ms or 0.0, "ms") for arm in chosen]
    reading = "CPU time of every part of the build, its databases, broker and edge included. Shorter is cheaper."
    title = f"CPU per {UNIT_NAMES[unit].split(',')[0]}, by part"
    return figure(f"cpu-{unit}", title, reading, [view("", data, layout)], 190 + 66 * len(chosen))


def memory(found: list[Arm]) -> Figure | None:
    """Memory by part, a bar for each build."""
    chosen = {arm.build: arm for arm in found if arm.memory_mb_by_part}
    if not chosen:
        return None
    data = _stacked(list(chosen.values()), {build: arm.memory_mb_by_part for build, arm in chosen.items()}, "MB")
    layout = _stacked_layout("megabytes (shared pages are divided among those who share them)")
    layout["annotations"] = [_total(build, arm.memory_mb or 0.0, "MB") for build, arm in chosen.items()]
    reading = "Proportional set size after each run, the median of the runs; the outside world is in neither build."
    return figure("memory", "Memory, by part", reading, [view("", data, layout)], 190 + 66 * len(chosen))


def _stacked(chosen: list[Arm], values: dict[str, dict[str, float]], unit: str) -> list[Figure]:
    builds = [arm.build for arm in chosen][::-1]
    traces = []
    for part in parts.in_order(part for by_part in values.values() for part in by_part):
        having = [build for build in builds if values[build].get(part)]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": part,
                "y": [build_name(build) for build in having],
                "x": [values[build][part] for build in having],
                "marker": {"color": colour(parts.colour(part)), "line": {"width": 1, "color": colour("paper")}},
                "hovertemplate": f"<b>{part}</b>: %{{x:.3g}} {unit}<br>%{{y}}<extra></extra>",
                "text": [part] * len(having),
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
            }
        )
    return traces


def _stacked_layout(title: str) -> Figure:
    return {
        "barmode": "stack",
        "bargap": 0.35,
        "xaxis": {"title": {"text": title}, "rangemode": "tozero"},
        "yaxis": {"automargin": True, "showgrid": False, "type": "category"},
        "legend": {"traceorder": "normal", "orientation": "h", "y": -0.42, "font": {"size": 12}},
        "uniformtext": {"minsize": 10, "mode": "hide"},
        "margin": {"l": 64, "r": 90, "t": 8, "b": 110},
    }


def _total(build: str, value: float, unit: str) -> Figure:
    return {
        "x": value, "y": build_name(build), "text": f"<b>{number(value)} {unit}</b>", "showarrow": False,
        "xanchor": "left", "xshift": 6,
    }  # fmt: skip


def run_by_run(result: Result, found: list[Arm]) -> Figure | None:
    """CPU per unit of every run in the order of time, so that drift can be seen."""
    views = []
    for unit in dict.fromkeys(arm.unit for arm in found):
        data = []
        for arm in found:
            runs = [run for run in arm.runs if run["cpu_ms_per_unit" if unit != "mix" else "cpu_ms_per_order"]]
            if arm.unit != unit or not runs:
                continue
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers+lines",
                    "name": build_name(arm.build),
                    "x": [run["number"] for run in runs],
                    "y": [run["cpu_ms_per_order"] if unit == "mix" else run["cpu_ms_per_unit"] for run in runs],
                    "line": {"color": colour(arm.build, 0.35), "width": 1.5, "dash": "dot"},
                    "marker": {"color": colour(arm.build), "size": 9},
                    "hovertemplate": "run %{x}: %{y:.3g} ms<extra>" + build_name(arm.build) + "</extra>",
                }
            )
        layout = {
            "xaxis": {"title": {"text": "run, in the order of time"}, "dtick": _tick(len(result["runs"]))},
            "yaxis": {"title": {"text": f"ms of CPU per {UNIT_NAMES[unit].split(',')[0]}"}, "rangemode": "tozero"},
            "legend": {"orientation": "h", "y": 1.12},
        }
        if data:
            views.append(view(short_unit(unit), data, layout))
    if not views or len(result["runs"]) < 3:
        return None
    reading = "Each point is one run. Points of one colour that wander together are the machine, not the build."
    return figure("runs", "Run by run", reading, views, 330)


def _tick(runs: int) -> int:
    """Return how many runs lie between two marks of an axis, so that their numbers do not meet."""
    return 1 if runs < 30 else 10 if runs < 150 else 50
