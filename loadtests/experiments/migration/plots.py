"""The plots of a migration: cost and latency in each state on the way, and what each move did."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, axes, bars, figure, line, points, rows_down, view
from loadtests.report.result import Result, detail
from loadtests.report.words import count_of

_STATES = ("Monolith", "1 out", "2 out", "3 out", "4 out")
_STEPS = (
    ("start and stop parts", ("start", "let", "retire", "stop"), "part-edge"),
    ("copy", ("copy",), "part-databases-1"),
    ("watch each share", ("10 %", "50 %", "100 %"), "part-applications-2"),
    ("cross", ("cross",), "bad"),
)


def states(result: Result) -> Figure | None:
    """CPU per order and latency with 0 to 4 modules out; each measurement is a point, the line is their mean."""
    if not (migration := detail(result, "migration")):
        return None
    by_state: list[dict[str, Any]] = migration["states"]
    names = _STATES[: len(by_state)]
    costs = [state["cpu_ms_per_order"] for state in by_state]
    cheapest = min(range(1, len(costs)), key=lambda at: costs[at] or float("inf"))
    single = [(name, cost) for name, state in zip(names, by_state, strict=True)
              for cost in state["each_cpu_ms_per_order"]]  # fmt: skip
    cost = [
        line("CPU per order", names, costs, "monolith", marks=True),
        points("on the way out, and on the way back", [name for name, _ in single], [ms for _, ms in single], "dim",
               symbol="circle-open", size=8),
        points("best stop on the way, for cost", [names[cheapest]], [costs[cheapest]], "good", symbol="diamond",
               size=16, mode="markers+text", text=["best stop"], textposition="bottom center"),
    ]  # fmt: skip
    views = [
        view("CPU per order", cost, axes(y="ms of CPU per confirmed order")),
        view("latency", [line(f"p{nines}", names, [state[f"p{nines}_ms"] for state in by_state], shade, marks=True)
                         for nines, shade in ((50, "microservices"), (99, "bad"))], axes(y="milliseconds")),
        view("memory", [line("memory", names, [state["memory_mb"] for state in by_state], "part-broker", marks=True)],
             axes(y="MB of all parts")),
    ]  # fmt: skip
    reading = (
        "From left to right modules leave: notifications, catalog, payments, orders. What a step costs is the slope "
        "to it; the best stop is the cheapest state that has anything out."
    )
    return figure("migration", "What each step costs", reading, views, 420)


def moves(result: Result) -> Figure | None:
    """How long each move took, step by step, and how long requests waited while the module changed sides."""
    if not (migration := detail(result, "migration")):
        return None
    moves = migration["moves"]
    data = [
        bars(
            name, [f"{move['module']} {move['direction']}" for move in moves],
            [sum(step["took_s"] for step in move["steps"] if step["name"].startswith(starts)) for move in moves], shade,
            lying=True, customdata=[[move["failed"], move["requests"], move["gates_closed_ms"]] for move in moves],
            hover="%{y}: %{x:.2f} s<br>%{customdata[0]} of %{customdata[1]} requests failed<br>gates closed "
            "%{customdata[2]:.0f} ms",
        )
        for name, starts, shade in _STEPS
    ]  # fmt: skip
    failed, requests = sum(move["failed"] for move in moves), sum(move["requests"] for move in moves)
    reading = (
        f"All of it under load: {count_of(failed, requests)} requests failed. Most of the time is watching, by choice."
    )
    view_ = view("", data, rows_down("seconds", barmode="stack"))
    return figure("moves", "How long each move took", reading, [view_], 420)


PLOTS = (states, moves)
