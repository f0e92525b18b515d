"""Two results side by side: the same figures of two commits, or of two machines."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table

from loadtests.report import summary
from loadtests.report.plot import short_unit
from loadtests.report.result import Result, all_violations
from loadtests.report.summary import Arm
from loadtests.report.words import build_name, number


def tables(first: Result, second: Result) -> list[Table]:
    """Return tables of where, of ratios, and of cost by build; what only one result has stands alone."""
    return [_where(first, second), _ratios(first, second), _costs(first, second)]


def _where(first: Result, second: Result) -> Table:
    table = Table("", "first", "second", title="Where")
    rows: dict[str, Callable[[Result], str]] = {
        "experiment": lambda r: r["experiment"],
        "when": lambda r: r["started_at"],
        "commit": lambda r: r["environment"]["commit"],
        "processor": lambda r: f"{r['environment']['cpu']}, {r['environment']['cores']} cores",
        "seed": lambda r: str(r["environment"]["seed"]),
        "runs": lambda r: str(len(r["runs"])),
        "violations": lambda r: str(len(all_violations(r))),
    }
    for name, value in rows.items():
        table.add_row(name, value(first), value(second))
    return table


def _ratios(first: Result, second: Result) -> Table:
    table = Table("figure", "first", "second", "", title="How many times as much")
    for name in dict.fromkeys((*first["comparison"], *second["comparison"])):
        a, b = first["comparison"].get(name), second["comparison"].get(name)
        intervals = [f"{number(r['ratio'])} ({number(r['low'])} to {number(r['high'])})" if r else "" for r in (a, b)]
        # Intervals that do not meet are worth a look; they are of different machines or hours, so no test is made.
        apart = a and b and (a["high"] < b["low"] or b["high"] < a["low"])
        what = next((row["what"] for row in (a, b) if row and "what" in row), name)
        table.add_row(what, *intervals, "[yellow]apart[/]" if apart else "")
    return table


def _costs(first: Result, second: Result) -> Table:
    table = Table("build", "figure", "first", "second", "second / first", title="What it costs")
    for column in table.columns[2:]:
        column.justify = "right"
    here, there = ({(arm.build, arm.unit): arm for arm in summary.arms(result)} for result in (first, second))
    for key in dict.fromkeys((*here, *there)):
        a, b = _figures(here.get(key)), _figures(there.get(key))
        for name in dict.fromkeys((*a, *b)):
            times = number(b[name] / a[name]) if a.get(name) and name in b else ""
            table.add_row(build_name(key[0]), name, _as_text(a.get(name)), _as_text(b.get(name)), times)
    return table


def _figures(arm: Arm | None) -> dict[str, float]:
    if arm is None:
        return {}
    latency = arm.latency()
    figures = {f"CPU ms per {short_unit(arm.unit)}": arm.cpu_ms, "memory MB": arm.memory_mb}
    if latency:
        figures |= {"p50 ms": latency["p50"], "p95 ms": latency["p95"], "p99 ms": latency["p99"]}
    return {name: value for name, value in figures.items() if value is not None}


def _as_text(value: float | None) -> str:
    return "" if value is None else number(value)
