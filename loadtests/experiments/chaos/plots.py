"""What a run under random kills met, and how often: never is worse than seldom."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, bars, figure, rows_down, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name


def met(result: Result) -> Figure | None:
    """How often each refusal, replay, compensation, breaker state and failpoint was met, on a logarithmic scale."""
    builds: list[dict[str, Any]] | None = detail(result, "chaos")
    if not builds:
        return None
    names = sorted({name for build in builds for name in build["met"]})
    data = [
        # 0 has no place on a logarithmic axis: `never` stands in its label alone.
        bars(build_name(build["build"]), names, [build["met"].get(name) or None for name in names], build["build"],
             text=[_label(build["met"].get(name)) for name in names], lying=True, hover="%{y}: %{x:,} times")
        for build in builds
    ]  # fmt: skip
    reading = (
        "What a run like this has to meet at least once. 'Never' means that it was not tried; no bar and no word, that "
        "this build has no such thing."
    )
    layout = rows_down("times met (log scale)", log_x=True, x__dtick=1, legend={"orientation": "h", "y": 1.03})
    return figure("met", "What was really tried", reading, [view("", data, layout)], 120 + 34 * len(names))


def _label(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count:,}" if count else "never"


PLOTS = (met,)
