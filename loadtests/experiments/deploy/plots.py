"""Rollouts: who noticed, how long it took, what it cost, and what a change touches."""

from __future__ import annotations

from typing import Any

from loadtests.report.plot import Figure, bars, figure, rows_down, table, view
from loadtests.report.result import Result, detail
from loadtests.report.words import build_name


def rollouts(result: Result) -> Figure | None:
    """Each rollout: who noticed, how long it took, what it cost."""
    rows: list[dict[str, Any]] | None = detail(result, "rollouts")
    if not rows:
        return None
    cells = [
        {
            "rollout": row["name"],
            "replicas": str(row["replicas"]),
            "requests failed": f"{row['failed']} of {row['requests']:,}",
            "which": ", ".join(f"{act} {count}" for act, count in row["failed_by_act"].items()),
            "orders left pending": f"{row['pending']} of {row['orders']}",
            "s under load": f"{row['took_s']:.1f}",
            "s idle": f"{row['idle_s']:.1f}",
            "s of CPU to start": f"{row['start_cpu_s']:.2f}",
        }
        for row in rows
    ]
    reading = "CPU to start: of the part's new processes, all replicas together, until the last one is ready."
    return table("rollouts", "Rolling out a new version", reading, cells, [3, 1, 2, 3, 2, 1.4, 1.2, 2])


def touched(result: Result) -> Figure | None:
    """What a change touches."""
    rows: list[dict[str, Any]] | None = detail(result, "touched")
    if not rows:
        return None
    cells = [
        {
            "changed file": row["change"],
            "images that hold it": ", ".join(image.removesuffix("/Dockerfile") for image in row["images"]),
            "lines in them": f"{row['lines']:,}",
            "unit tests": str(row["unit_tests"]),
            "tests of the whole shop": str(row["shop_tests"]),
        }
        for row in rows
    ]
    reading = (
        "Counted from Dockerfiles and folders: the import contracts forbid other services' tests to see the change. "
        "Tests of the whole shop speak HTTP and notice changes of any part."
    )
    return table("touched", "What a change touches", reading, cells, [4, 5, 1.3, 1.2, 1.8])


def durations(result: Result) -> Figure | None:
    """How long each rollout took, with load and without."""
    rows: list[dict[str, Any]] | None = detail(result, "rollouts")
    if not rows:
        return None
    names = [build_name(row["name"]) for row in rows]
    data = [
        bars(title, names, [row[key] for row in rows], shade, text=[f"{row[key]:.1f} s" for row in rows], lying=True)
        for title, key, shade in (("under load", "took_s", "accent"), ("idle", "idle_s", "floor"))
    ]
    reading = "From the command until every replica of the part runs the new version, one after the other."
    layout = rows_down("seconds")
    return figure("durations", "How long a rollout takes", reading, [view("", data, layout)], 140 + 60 * len(rows))


PLOTS = (rollouts, durations, touched)
