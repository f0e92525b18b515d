"""What arms do as fast as they go, by a factor: answers a second and CPU, a line for each arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import mean
from typing import NamedTuple

from loadtests.report.plot import UNIT_NAMES, Figure, axes, bars, figure, interval_bars, line, short_unit, view
from loadtests.report.result import Result, Run
from loadtests.report.summary import grid_point, shown_order
from loadtests.report.words import build_name, factor_name, is_twin, number

FEW = 2  # loads with views of everything


class Place(NamedTuple):
    """What runs have in common that are drawn as one point."""

    build: str
    load: str
    value: float


def by_factor(result: Result) -> Figure | None:
    """Return a figure of closed loops at points of one factor; with a single value as bars."""
    runs = [run for run in result["runs"] if run["rate_target"] is None and not run["void"] and run["rate_achieved"]]
    runs = [run for run in runs if len(grid_point(run)) == len(run.get("factors", {})) == 1]
    factors = dict.fromkeys(name for run in runs for name in grid_point(run))
    if len(factors) != 1:
        return None
    (factor,) = factors
    points: dict[Place, list[Run]] = {}
    for run in runs:
        if not is_twin(run["build"]):
            load = run.get("load", {}).get("mix", "") or short_unit(run["unit"])
            points.setdefault(Place(run["build"], load, grid_point(run)[factor]), []).append(run)
    views = []
    loads = list(dict.fromkeys(place.load for place in points))
    for load in loads:
        own = {place: each for place, each in points.items() if place.load == load}
        unit = load if load in UNIT_NAMES.values() else "right answer"
        kinds: dict[str, tuple[str, Callable[[Run], float | None]]] = {
            "goodput": (f"{unit}s a second", lambda run: run["rate_achieved"]),
            "waits beside": ("p95 of what is cold, ms", _cold),
            "CPU": (f"ms of CPU per {unit}", lambda run: run["cpu_ms_per_unit"]),
            "memory": ("MB of all parts", lambda run: sum(run["memory_mb_by_part"].values())),
        }
        for name, (title, value) in list(kinds.items())[: 2 if len(loads) > FEW else None]:
            values = {place: [known for run in each if (known := value(run))] for place, each in own.items()}
            if any(values.values()):
                views.append(view(f"{load}, {name}", *_lines(values, factor, title)))
    reading = "The mean of all runs at a value; upright bars go from the lowest to the highest."
    return figure("by-factor", f"By {factor_name(factor)}", reading, views, 420)


def _cold(run: Run) -> float | None:
    return run["latency_ms"]["p95"] if run["latency_ms"] else None


def _lines(values: Mapping[Place, list[float]], factor: str, title: str) -> tuple[list[Figure], Figure]:
    known = {place: each for place, each in values.items() if each}
    x = sorted({place.value for place in known})
    builds = sorted({place.build for place in known}, key=shown_order)
    if len(x) == 1:
        single = {build: known[next(place for place in known if place.build == build)] for build in builds}
        middle = [mean(each) for each in single.values()]
        spread = [min(each) for each in single.values()], [max(each) for each in single.values()]
        trace = bars("", [build_name(one) for one in builds], middle, builds, text=list(map(number, middle)),
                     spread=spread)  # fmt: skip
        return [trace], axes(f"{factor_name(factor)}: {x[0]:g}", title, showlegend=False)
    data = []
    for build in builds:
        own = sorted((place.value, each) for place, each in known.items() if place.build == build)
        middle = [mean(each) for _, each in own]
        spread_bars = interval_bars(middle, [min(each) for _, each in own], [max(each) for _, each in own])
        data.append(line(build_name(build), [at for at, _ in own], middle, build, marks=True, error_y=spread_bars))
    return data, axes(factor_name(factor), title, log_x=x[0] > 0)
