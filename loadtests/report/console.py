"""A result at the terminal: violations first, then the answer, then the tables."""

from __future__ import annotations

from pathlib import Path

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from deploy.display import console
from deploy.local import LocalRunner
from loadtests.report import summary
from loadtests.report.plot import short_unit
from loadtests.report.result import Result, all_violations
from loadtests.report.words import build_name, number

SHOWN_VIOLATIONS = 10
OFFERED = {"demo": ("monolith", "microservices")}  # experiments that leave their shops up


def lines_of(result: Result) -> list[RenderableType]:
    """Return what is printed of a result, in order."""
    shown: list[RenderableType] = [""]
    violations = all_violations(result)
    if violations:
        shown.append(f"[bold red]{len(violations)} promises were broken, so no figure below proves anything:[/]")
        shown += [
            escape(f"  {v['promise']} {v['build']} {v['about']}: {v['seen']}; expected {v['expected']}")
            for v in violations[:SHOWN_VIOLATIONS]
        ]
    shown += [f"[bold]{escape(sentence)}[/]" for sentence in result["answer"]]
    shown.append(cost_table(result))
    if result["comparison"]:
        shown.append(comparison_table(result))
    return shown


def cost_table(result: Result) -> Table:
    """Return cost, memory and latency by build."""
    table = Table("build", "per", "CPU ms", "memory MB", "p50 ms", "p95 ms", "p99 ms", "orders", "books")
    for column in table.columns[2:8]:
        column.justify = "right"
    for arm in summary.arms(result):
        latency = arm.latency()
        waits = [number(latency[key]) for key in ("p50", "p95", "p99")] if latency else ["", "", ""]
        checked = [run["reconciled"] for run in arm.runs if run["reconciled"] is not None]
        books = "" if not checked else "[green]right[/]" if all(checked) else "[red]WRONG[/]"
        orders = sum(run["orders_confirmed"] for run in arm.runs)
        table.add_row(
            build_name(arm.build), short_unit(arm.unit), number(arm.cpu_ms), number(arm.memory_mb), *waits,
            str(orders), books,
        )  # fmt: skip
    return table


def comparison_table(result: Result) -> Table:
    """Return the ratios with their intervals."""
    table = Table("figure", "from", "to", "times", "95 % interval", "pairs", "verdict")
    for column in table.columns[3:6]:
        column.justify = "right"
    for name, row in result["comparison"].items():
        target = ""
        if "target" in row:
            within = row["ratio"] <= row["target"]
            target = f" [{'green' if within else 'red'}]{'within' if within else 'above'} {number(row['target'])}[/]"
        table.add_row(
            row.get("what", name), build_name(row.get("a", "")), build_name(row.get("b", "")), number(row["ratio"]),
            f"{number(row['low'])} to {number(row['high'])}", str(row.get("pairs", "")),
            row.get("verdict", "") + target,
        )  # fmt: skip
    return table


def list_of_experiments() -> Table:
    """Return the experiments and what they ask."""
    from loadtests.experiments.registry import every  # noqa: PLC0415  (the report does not need experiments)

    table = Table("experiment", "question")
    for experiment in every():
        table.add_row(experiment.name, experiment.plan["question"])
    return table


def goodbye(experiment: str, folder: Path) -> None:
    """Say where the shops are that this experiment left up."""
    for name in OFFERED.get(experiment, ()):
        console.print(f"{build_name(name):>14}  [bold]{LocalRunner(name).address}[/]")
    if experiment in OFFERED:
        console.print("Both shops are still up: look around, and `make down` when done.")
