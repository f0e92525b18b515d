"""Tables of single experiments, drawn by Plotly as the figures are, so that the page needs no part for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtests.report.plot import Figure, colour, figure, view
from loadtests.report.result import Result
from loadtests.report.words import number

ROW_PX = 27


def targets(result: Result) -> Figure | None:
    """The figures that the project promises, beside what was measured."""
    rows: list[dict[str, Any]] = result.get("details", {}).get("targets", [])
    if not rows:
        return None
    cells = [
        (
            row["figure"],
            _figure(row["measured"]),
            _figure(row["target"]),
            _figure(row.get("control")),
            "met" if row["met"] else "missed",
        )
        for row in rows
    ]
    shades = ["good" if row["met"] else "bad" for row in rows]
    reading = "Control: the same figure where nothing was broken, which tells what the machine alone does."
    widths = [5, 1, 1, 1, 1]
    heads = ("figure", "measured", "promised", "control", "")
    return table("targets", "What was promised", reading, heads, cells, widths, shades)


def rollouts(result: Result) -> Figure | None:
    """Each rollout: who noticed, how long it took, what it cost."""
    rows: list[dict[str, Any]] = result.get("details", {}).get("rollouts", [])
    if not rows:
        return None
    cells = [
        (
            row["name"],
            str(row["replicas"]),
            f"{row['failed']} of {row['requests']:,}",
            ", ".join(f"{act} {count}" for act, count in row["failed_by_act"].items()),
            f"{row['pending']} of {row['orders']}",
            f"{row['took_s']:.1f}",
            f"{row['idle_s']:.1f}",
            f"{row['start_cpu_s']:.2f}",
        )
        for row in rows
    ]
    heads = ("rollout", "replicas", "requests failed", "which", "orders left pending", "s under load", "s idle",
             "s of CPU to start")  # fmt: skip
    reading = "CPU to start: of the part's new processes, all replicas together, until the last one is ready."
    return table("rollouts", "Rolling out a new version", reading, heads, cells, [3, 1, 2, 3, 2, 1.4, 1.2, 2])


def touched(result: Result) -> Figure | None:
    """What a change touches."""
    rows: list[dict[str, Any]] = result.get("details", {}).get("touched", [])
    if not rows:
        return None
    cells = [
        (
            row["change"],
            ", ".join(image.removesuffix("/Dockerfile") for image in row["images"]),
            f"{row['lines']:,}",
            str(row["unit_tests"]),
            str(row["shop_tests"]),
        )
        for row in rows
    ]
    heads = ("changed file", "images that hold it", "lines in them", "unit tests", "tests of the whole shop")
    reading = (
        "Counted from Dockerfiles and folders: the import contracts forbid other services' tests to see the change. "
        "Tests of the whole shop speak HTTP and notice changes of any part."
    )
    return table("touched", "What a change touches", reading, heads, cells, [4, 5, 1.3, 1.2, 1.8])


def table(
    id_: str, title: str, reading: str, heads: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[float],
    last_shades: Sequence[str] = (),
) -> Figure:  # fmt: skip
    """Return a table; `last_shades` colour the text of the last column, row by row."""
    columns = [list(column) for column in zip(*cells, strict=True)]
    ink: list[Any] = [[colour("ink")] * len(cells) for _ in columns]
    if last_shades:
        ink[-1] = [colour(shade) for shade in last_shades]
    trace = {
        "type": "table",
        "columnwidth": widths,
        "header": {
            "values": [f"<b>{head}</b>" for head in heads],
            "align": "left",
            "fill": {"color": colour("ground")},
            "line": {"color": colour("line")},
            "font": {"color": colour("dim")},
        },
        "cells": {
            "values": columns,
            "align": "left",
            "height": ROW_PX,
            "fill": {"color": colour("paper")},
            "line": {"color": colour("line")},
            "font": {"color": ink},
        },
    }
    layout = {"margin": {"l": 0, "r": 0, "t": 4, "b": 4}}
    # A cell whose text is too long takes a second line.
    return figure(id_, title, reading, [view("", [trace], layout)], 70 + round(ROW_PX * 1.7 * len(cells)))


def _figure(value: float | None) -> str:
    return "" if value is None else number(value)
