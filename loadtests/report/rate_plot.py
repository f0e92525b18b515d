"""Latency against offered load: a curve for each arm, and beside it what becomes of it as a factor grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from loadtests.measure.latency import LatencyHistogram, can_name
from loadtests.report.plot import Figure, axes, figure, interval_bars, line, table, upright, view
from loadtests.report.result import Result, detail
from loadtests.report.summary import ALL, grid_point, have_many_loads, histograms_of, shown_order
from loadtests.report.words import build_name, factor_name, is_twin, journey_name, number

PERCENTILES = {50.0: ("p50", "dot", 2), 99.0: ("p99", "solid", 3)}


class Place(NamedTuple):
    """What runs have in common that are drawn as one point."""

    build: str
    mix: str
    journey: str
    rate: float
    factors: tuple[tuple[str, float], ...]


Points = Mapping[Place, list[LatencyHistogram]]  # of each run


def latency_by_rate(result: Result) -> Figure | None:
    """p50 and p99 of arms that were sent a mix at several rates; views by journey or mix, and by factor."""
    runs = [run for run in result["runs"] if run["unit"] == "mix" and run["rate_target"] and not run["void"]]
    runs = [run for run in runs if not is_twin(run["build"])]
    if not have_many_loads(runs):
        return None
    points: dict[Place, list[LatencyHistogram]] = {}
    for run in runs:
        mix, factors = run.get("load", {}).get("mix", ""), tuple(grid_point(run).items())
        for journey, histogram in histograms_of(run).items():
            place = Place(run["build"], mix, journey, round(run["rate_target"] or 0, 1), factors)
            points.setdefault(place, []).append(histogram)
    first = tuple((name, min(dict(place.factors)[name] for place in points)) for name, _ in next(iter(points)).factors)
    mixes = dict.fromkeys(place.mix for place in points)
    every = sorted({place.journey for place in points} - {ALL}, key=lambda journey: (journey != "order", journey))
    journeys = [ALL] if len(mixes) > 1 else every
    views = []
    for mix in mixes:
        knees: Mapping[str, float] = (detail(result, "knees") or {}).get(mix, {})
        shapes = [upright(rate, build, "dashdot") for build, rate in knees.items()]
        for journey in journeys:
            name = mix if len(mixes) > 1 else journey_name(journey)
            own = {place: each for place, each in points.items() if (place.mix, place.journey) == (mix, journey)}
            at_first = {place: each for place, each in own.items() if place.factors == first}
            layout = axes("arrivals per second", "milliseconds", log_y=True, y__dtick="D1", shapes=shapes)
            views.append(view(name, _curves(at_first, _rate), layout))
            views += [
                view(f"{name}, {factor_name(factor)}", *_by_factor(own, factor, dict(first))) for factor, _ in first
            ]
    reading = (
        "How long requests took from the moment they were due: dotted the median, solid the p99, of all runs of a "
        "point together; upright bars go from the lowest run to the highest. A percentile that fewer than five "
        "requests lie beyond is left out."
    )
    return figure("rates", "Latency against load", reading, views, 460)


def factor_values(result: Result) -> Figure | None:
    """What the values of factors came to where that was measured."""
    rows = detail(result, "factors")
    if not rows or not isinstance(rows, list):
        return None
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("factor", "value", "arm")))
    cells = [
        {"factor": factor_name(row["factor"]), "value": f"{row['value']:g}", "arm": build_name(row["arm"])}
        | {name.replace("_ms", ", ms").replace("_", " "): number(row.get(name)) for name in names}
        for row in sorted(rows, key=lambda row: (row["factor"], row["arm"], row["value"]))
    ]
    reading = "Measured once, between runs: of a distance the round trip of a small request, straight and as it is led."
    return table("factors", "What the factors came to", reading, cells, [2, 1, 2, *(1 for _ in names)])


def _rate(place: Place) -> float:
    return place.rate


def _by_factor(points: Points, factor: str, first: Mapping[str, float]) -> tuple[list[Figure], Figure]:
    """Return curves along a factor, all others at their first value, at the rate with most of its values."""
    along = {place: each for place, each in points.items()
             if all(value == first[name] for name, value in place.factors if name != factor)}  # fmt: skip
    by_rate: dict[float, set[float]] = {}
    for place in along:
        by_rate.setdefault(place.rate, set()).add(dict(place.factors)[factor])
    rate = max(by_rate, key=lambda one: len(by_rate[one]))
    at_rate = {place: each for place, each in along.items() if place.rate == rate}
    layout = axes(f"{factor_name(factor)}, at {number(rate)} arrivals per second", "milliseconds")
    return _curves(at_rate, lambda place: dict(place.factors)[factor]), layout


def _curves(points: Points, x: Callable[[Place], float]) -> list[Figure]:
    data = []
    for build in sorted({place.build for place in points}, key=shown_order):
        own = sorted((x(place), each) for place, each in points.items() if place.build == build)
        for percent, (name, dash, width) in PERCENTILES.items():
            merged = [(at, _merged(each), each) for at, each in own]
            known = [(at, whole, each) for at, whole, each in merged if can_name(percent, whole.count)]
            if not known:
                continue
            middle = [whole.percentile(percent) for _, whole, _ in known]
            single = [[one.percentile(percent) for one in each] for _, _, each in known]
            spread = interval_bars(middle, [min(each) for each in single], [max(each) for each in single])
            data.append(
                line(
                    f"{build_name(build)} {name}", [at for at, _, _ in known], middle, build, dash=dash, width=width,
                    marks=True, error_y=spread if any(len(each) > 1 for each in single) else {},
                    customdata=[[whole.count] for _, whole, _ in known],
                    hover="%{x:.3g}: %{y:.3g} ms of %{customdata[0]} requests",
                )
            )  # fmt: skip
    return data


def _merged(histograms: list[LatencyHistogram]) -> LatencyHistogram:
    whole = LatencyHistogram()
    for one in histograms:
        whole.merge(one)
    return whole
