"""The plot of latencies: percentiles on an axis that gives each further nine the same room."""

from __future__ import annotations

from loadtests.measure.latency import LatencyHistogram
from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.summary import ALL, Arm, histograms_of
from loadtests.report.words import build_name, journey_name, number

_NINES = {1: "0 %", 2: "50 %", 4: "75 %", 10: "90 %", 20: "95 %", 100: "99 %", 1000: "99.9 %", 10_000: "99.99 %"}


def latency(found: list[Arm]) -> Figure | None:
    """The latency of each percentile, one strong line a build and a thin one a run; a view for each journey."""
    timed = [arm for arm in found if arm.histograms]
    journeys: list[str] = []
    for arm in timed:
        journeys += [journey for journey in arm.histograms if journey not in journeys]
    journeys.sort(key=lambda journey: (journey != ALL, journey != "order", journey))
    views = []
    for journey in journeys:
        data: list[Figure] = []
        for arm in timed:
            for run in arm.runs if len(arm.runs) > 1 else ():
                if histogram := histograms_of(run).get(journey):
                    data.append(_curve(histogram, arm, f"run {run['number']}", thin=True))
            if histogram := arm.histograms.get(journey):
                data.append(_curve(histogram, arm, "all runs", thin=False))
        views.append(view(journey_name(journey), data, _LATENCY_LAYOUT))
    if not views:
        return None
    reading = (
        "How long a share of the requests took at most, from the moment they were due. The axis gives each further "
        "nine the same room; thin lines are single runs."
    )
    return figure("latency", "Latency", reading, views, 430)


_LATENCY_LAYOUT: Figure = {
    "xaxis": {
        "type": "log",
        "title": {"text": "share of requests that were at least this fast"},
        "tickvals": list(_NINES),
        "ticktext": list(_NINES.values()),
    },
    "yaxis": {"type": "log", "title": {"text": "milliseconds"}, "dtick": "D2", "tickformat": "~g"},
    "hovermode": "x unified",
    "legend": {"orientation": "h", "y": 1.12},
}


def _curve(histogram: LatencyHistogram, arm: Arm, name: str, *, thin: bool) -> Figure:
    points = [(percent, ms) for percent, ms in histogram.curve() if percent < 100]
    trace: Figure = {
        "type": "scatter",
        "mode": "lines",
        "name": build_name(arm.build),
        "x": [round(1 / (1 - percent / 100), 3) for percent, _ in points],
        "y": [round(ms, 3) for _, ms in points],
        "line": {"color": colour(arm.build, 0.25 if thin else 1), "width": 1 if thin else 3},
        "showlegend": not thin,
        "hovertemplate": f"%{{y:.3g}} ms  {build_name(arm.build)}<extra></extra>",
    }
    if thin:
        trace |= {"hoverinfo": "skip", "name": name}
        del trace["hovertemplate"]
    return trace


def bars(found: list[Arm]) -> Figure | None:
    """Percentiles as bars, where not every arm has a histogram (what other tools report is percentiles only)."""
    timed = [(arm, latency) for arm in found if (latency := arm.latency())]
    if not timed or all(arm.histograms for arm, _ in timed):
        return None
    data = [
        {
            "type": "bar",
            "name": build_name(arm.build),
            "x": ["p50", "p95", "p99", "max"],
            "y": [latency["p50"], latency["p95"], latency["p99"], latency["max"]],
            "text": [
                f"{number(value)} ms" for value in (latency["p50"], latency["p95"], latency["p99"], latency["max"])
            ],
            "textposition": "outside",
            "marker": {"color": colour(arm.build)},
            "hovertemplate": "%{x}: %{y:.3g} ms<extra>" + build_name(arm.build) + "</extra>",
        }
        for arm, latency in timed
    ]
    layout = {
        "barmode": "group",
        "yaxis": {"type": "log", "title": {"text": "milliseconds"}, "dtick": "D2", "tickformat": "~g"},
        "legend": {"orientation": "h", "y": 1.14},
    }
    return figure("percentiles", "Percentiles", "What each reports as its percentiles.", [view("", data, layout)], 400)
