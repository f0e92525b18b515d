"""The plot of latencies: percentiles on an axis that gives each further nine the same room."""

from __future__ import annotations

from loadtests.measure.latency import LatencyHistogram
from loadtests.report.plot import Figure, axes, figure, line, view
from loadtests.report.plot import bars as bars_of
from loadtests.report.summary import ALL, Arm, histograms_of
from loadtests.report.words import build_name, journey_name, number

_NINES = {1: "0 %", 2: "50 %", 4: "75 %", 10: "90 %", 20: "95 %", 100: "99 %", 1000: "99.9 %", 10_000: "99.99 %"}
_LAYOUT = axes(
    "share of requests that were at least this fast", "milliseconds", log_y=True, x__type="log",
    x__tickvals=list(_NINES), x__ticktext=list(_NINES.values()), hovermode="x unified",
)  # fmt: skip


def latency(measured: list[Arm]) -> Figure | None:
    """The latency of each percentile, one strong line a build and a thin one a run; a view for each journey."""
    timed = [arm for arm in measured if arm.histograms]
    journeys = dict.fromkeys(journey for arm in timed for journey in arm.histograms)
    views = []
    for journey in sorted(journeys, key=lambda journey: (journey != ALL, journey != "order", journey)):
        data: list[Figure] = []
        for arm in timed:
            for run in arm.runs if len(arm.runs) > 1 else ():
                if histogram := histograms_of(run).get(journey):
                    data.append(_curve(histogram, arm, f"run {run['number']}", thin=True))
            if histogram := arm.histograms.get(journey):
                data.append(_curve(histogram, arm, build_name(arm.build), thin=False))
        views.append(view(journey_name(journey), data, _LAYOUT))
    if not views:
        return None
    reading = (
        "How long a share of the requests took at most, from the moment they were due. The axis gives each further "
        "nine the same room; thin lines are single runs."
    )
    return figure("latency", "Latency", reading, views, 430)


def _curve(histogram: LatencyHistogram, arm: Arm, name: str, *, thin: bool) -> Figure:
    points = [(percent, ms) for percent, ms in histogram.curve() if percent < 100]
    quiet: Figure = {"hoverinfo": "skip", "hovertemplate": None, "showlegend": False} if thin else {}
    return line(
        name, [round(1 / (1 - percent / 100), 3) for percent, _ in points], [round(ms, 3) for _, ms in points],
        arm.build, opacity=0.25 if thin else 1, width=1 if thin else 3, hover="%{y:.3g} ms", **quiet,
    )  # fmt: skip


def bars(measured: list[Arm]) -> Figure | None:
    """Percentiles as bars, where not every arm has a histogram (what other tools report is percentiles only)."""
    timed = [(arm, latency) for arm in measured if (latency := arm.latency())]
    if not timed or all(arm.histograms for arm, _ in timed):
        return None
    data = []
    for arm, waits in timed:
        values = [waits["p50"], waits["p95"], waits["p99"], waits["max"]]
        labels = [f"{number(value)} ms" for value in values]
        data.append(bars_of(build_name(arm.build), ["p50", "p95", "p99", "max"], values, arm.build, text=labels))
    layout = axes(y="milliseconds", log_y=True)
    return figure("percentiles", "Percentiles", "What each reports as its percentiles.", [view("", data, layout)])
