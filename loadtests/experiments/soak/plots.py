"""What a soak shows: memory over time, every slope with what it comes to in a week, and what orders leave."""

from __future__ import annotations

from typing import Any

from loadtests.measure.footprint import FOR_GOOD
from loadtests.report.parts import colour, in_order
from loadtests.report.plot import Figure, axes, figure, line, table, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name, number

NOTHING = 0.001  # MB or ms an hour


def memory_over_time(result: Result) -> Figure | None:
    """Memory of each part, a view for each build."""
    curves: dict[str, dict[str, Any]] = detail(result, "memory") or {}
    views = [
        view(build_name(build), [line(part, curve["seconds"], curve["mb"][part], colour(part))
             for part in in_order(curve["mb"])], axes("seconds after the first third", "MB"))
        for build, curve in curves.items()
    ]  # fmt: skip
    reading = "Proportional set size of all processes of a part, without PostgreSQL's shared buffers."
    return figure("memory-over-time", "Memory, minute by minute", reading, views, 420) if views else None


def slopes(result: Result) -> Figure | None:
    """Every slope with its interval, and what it comes to in a week."""
    cells = [
        {
            "figure": f"{row['kind']}: {row['what']}, {build_name(row['build'])}",
            "at the end": f"{number(row['at_end'])} {row['unit']}",
            "an hour": f"{_signed(row['per_h'])} ({_signed(row['low_per_h'])} to {_signed(row['high_per_h'])})",
            "in a week": f"{number(row['week'])} ({number(row['week_low'])} to {number(row['week_high'])})",
            "doubles": row["doubles"],
        }
        for row in detail(result, "soak") or ()
    ]
    shades = [{"yes": "bad", "no": "good"}.get(cell["doubles"], "dim") for cell in cells]
    reading = "Slope of the later two thirds, with its 95 % interval. Files and tables are meant to grow with orders."
    return table("slopes", "What grows, and how fast", reading, cells, [4, 1.3, 3, 3, 1.2], shades) if cells else None


def tables(result: Result) -> Figure | None:
    """Each table: how long it keeps, what 1,000 orders add, and its bloat."""
    cells = [
        {
            "table": row["table"], "kept": row["kept"],
            "rows": number(row["rows"]), "kB": number(row["bytes"] / 1000),
            "bloat": f"{1 - (row['rewritten']['table'] + row['rewritten']['indexes']) / row['bytes_now']:.0%}",
        }
        for row in sorted(detail(result, "tables") or (), key=lambda row: (row["kept"] != FOR_GOOD, -row["bytes"]))
        if round(row["rows"]) or row["bytes"] >= 1000
    ]  # fmt: skip
    reading = "Rows, and kB with indexes, for 1,000 orders; bloat is what table and indexes, written anew, take less."
    return table("tables", "What orders leave, and for how long", reading, cells, [4, 1.5, 1, 1, 1]) if cells else None


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}" if abs(value) >= NOTHING else "0"
