"""The plots of a migration: cost and latency in each state on the way, and what each move did."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result

_STATE_NAMES = ("Monolith", "1 out", "2 out", "3 out", "4 out")


def way(result: Result) -> Figure | None:
    """CPU per order and latency with 0 to 4 modules out; each measurement is a point, the line is their mean."""
    found = result.get("details", {}).get("migration")
    if not found:
        return None
    states: list[dict[str, Any]] = found["states"]
    names = list(_STATE_NAMES[: len(states)])
    cheapest = min(range(1, len(states)), key=lambda at: states[at]["cpu_ms_per_order"] or float("inf"))
    points = [(names[at], cost) for at, state in enumerate(states) for cost in state["each_cpu_ms_per_order"]]
    cost = [
        _line("CPU per order", names, [state["cpu_ms_per_order"] for state in states], "monolith", "ms"),
        {
            "type": "scatter",
            "mode": "markers",
            "name": "on the way out, and on the way back",
            "x": [name for name, _ in points],
            "y": [value for _, value in points],
            "marker": {"size": 8, "color": colour("dim"), "symbol": "circle-open"},
            "hovertemplate": "%{x}: %{y:.3g} ms<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers+text",
            "name": "best stop on the way, for cost",
            "x": [names[cheapest]],
            "y": [states[cheapest]["cpu_ms_per_order"]],
            "text": ["best stop"],
            "textposition": "bottom center",
            "marker": {"size": 16, "color": colour("good"), "symbol": "diamond"},
        },
    ]
    latency = [
        _line("p50", names, [state["p50_ms"] for state in states], "microservices", "ms"),
        _line("p99", names, [state["p99_ms"] for state in states], "bad", "ms"),
    ]
    memory = [_line("memory", names, [state["memory_mb"] for state in states], "part-broker", "MB")]
    views = [
        view("CPU per order", cost, _layout("ms of CPU per confirmed order")),
        view("latency", latency, _layout("milliseconds")),
        view("memory", memory, _layout("MB of all parts")),
    ]
    reading = (
        "From left to right modules leave: notifications, catalog, payments, orders. What a step costs is the slope "
        "to it; the best stop is the cheapest state that has anything out."
    )
    return figure("migration", "What each step costs", reading, views, 420)


def moves(result: Result) -> Figure | None:
    """How long each move took, step by step, and how long requests waited while the module changed sides."""
    found = result.get("details", {}).get("migration")
    if not found:
        return None
    names = [f"{move['module']} {move['direction']}" for move in found["moves"]]
    kinds = (
        ("start and stop parts", ("start", "let", "retire", "stop"), "part-edge"),
        ("copy", ("copy",), "part-databases-1"),
        ("watch each share", ("10 %", "50 %", "100 %"), "part-applications-2"),
        ("cross", ("cross",), "bad"),
    )
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": names,
            "x": [
                sum(step["took_s"] for step in move["steps"] if step["name"].startswith(starts))
                for move in found["moves"]
            ],
            "marker": {"color": colour(shade)},
            "customdata": [[move["failed"], move["requests"], move["gates_closed_ms"]] for move in found["moves"]],
            "hovertemplate": "%{y}: %{x:.2f} s<br>%{customdata[0]} of %{customdata[1]} requests failed"
            "<br>gates closed %{customdata[2]:.0f} ms<extra>" + name + "</extra>",
        }
        for name, starts, shade in kinds
    ]
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "seconds"}},
        "yaxis": {"automargin": True, "autorange": "reversed"},
        "legend": {"orientation": "h", "y": 1.12},
    }
    failed = sum(move["failed"] for move in found["moves"])
    requests = sum(move["requests"] for move in found["moves"])
    reading = (
        f"All of it under load: {failed} of {requests:,} requests failed. Most of the time is watching, by choice."
    )
    return figure("moves", "How long each move took", reading, [view("", data, layout)], 420)


def _line(name: str, x: list[str], y: list[float | None], shade: str, unit: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": colour(shade), "width": 3},
        "marker": {"size": 9},
        "hovertemplate": f"%{{x}}: %{{y:.3g}} {unit}<extra>{name}</extra>",
    }


def _layout(title: str) -> Figure:
    return {
        "yaxis": {"title": {"text": title}, "rangemode": "tozero"},
        "xaxis": {"type": "category"},
        "legend": {"orientation": "h", "y": 1.14},
    }
