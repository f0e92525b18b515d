"""The plot of a searched capacity: what each rate that was tried made a customer wait."""

from __future__ import annotations

from loadtests.report.plot import Figure, axes, figure, line, upright, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name


def rates(result: Result) -> Figure | None:
    """Rate against p50, p95 and p99, with the rate that was found upright; a view for each mix."""
    if not (curves := detail(result, "curves")):
        return None
    views = []
    for mix, builds in curves.items():
        data = [
            line(
                f"{build_name(build)} {percentile}", [point["rate"] for point in points],
                [point[percentile] for point in points], build, dash=dash, width=2, marks=True,
                customdata=[[point["error_share"] * 100] for point in points],
                hover="%{x:.0f}/s: %{y:.3g} ms, errors %{customdata[0]:.2f} %",
            )
            for build, points in builds.items()
            for percentile, dash in (("p50", "dot"), ("p95", "dash"), ("p99", "solid"))
        ]  # fmt: skip
        knees = (detail(result, "knees") or {}).get(mix, {})
        shapes = [upright(knee, build, "dashdot") for build, knee in knees.items()]
        views.append(view(mix, data, axes("arrivals per second", "milliseconds", log_y=True, shapes=shapes)))
    reading = "Latency at each rate that was tried; the upright line is the highest rate that kept the bounds."
    return figure("rates", "How much it can take", reading, views, 440)


PLOTS = (rates,)
