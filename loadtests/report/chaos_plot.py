"""What a run under random kills met, and how often: never is worse than seldom."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import build_name


def met(result: Result) -> Figure | None:
    """How often each refusal, replay, compensation, breaker state and failpoint was met, on a logarithmic scale."""
    found: list[dict[str, Any]] = result.get("details", {}).get("chaos", [])
    if not found:
        return None
    names = sorted({name for one in found for name in one["met"]}, reverse=True)
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": build_name(one["build"]),
            "y": names,
            # 0 has no place on a logarithmic axis: `never` stands in its label alone.
            "x": [one["met"].get(name) or None for name in names],
            "text": [_label(one["met"].get(name)) for name in names],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colour(one["build"])},
            "hovertemplate": "<b>%{y}</b><br>%{x:,} times<extra>" + build_name(one["build"]) + "</extra>",
        }
        for one in found
    ]
    layout = {
        "barmode": "group",
        "xaxis": {"type": "log", "title": {"text": "times met (log scale)"}, "dtick": 1},
        "yaxis": {"automargin": True, "showgrid": False},
        "legend": {"orientation": "h", "y": 1.03},
    }
    reading = (
        "What a run like this has to meet at least once. 'Never' means that it was not tried; no bar and no word, that "
        "this build has no such thing."
    )
    return figure("met", "What was really tried", reading, [view("", data, layout)], 120 + 34 * len(names))


def _label(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count:,}" if count else "never"
