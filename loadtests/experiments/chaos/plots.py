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
    rows = [_label(name, [build["build"] for build in builds if build["met"].get(name) == 0]) for name in names]
    data = []
    for build in builds:
        counts = [build["met"].get(name) for name in names]
        # 0 has no place on a logarithmic axis: `never` stands beside the name.
        data.append(bars(build_name(build["build"]), rows, [count or None for count in counts], build["build"],
                         text=[f"{count:,}" if count else "" for count in counts], lying=True,
                         hover="%{y}: %{x:,} times"))  # fmt: skip
    reading = (
        "What a run like this has to meet at least once. 'Never': it was not tried there; no bar and no word: "
        "this build has no such thing."
    )
    layout = rows_down("times met (log scale)", log_x=True, x__dtick=1, legend={"orientation": "h", "y": 1.03})
    return figure("met", "What was really tried", reading, [view("", data, layout)], 120 + 34 * len(names))


def _label(name: str, never: list[str]) -> str:
    return f"{name} (never: {', '.join(map(build_name, never))})" if never else name


PLOTS = (met,)
