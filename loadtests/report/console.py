"""A result at the terminal: violations first, then the answer, then the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from deploy.runner.console import console
from deploy.stacks import on_containers, runner_for
from loadtests.report import money, summary
from loadtests.report.result import Plan, Result, all_violations
from loadtests.report.words import build_name, interval, number

SHOWN_VIOLATIONS = 10


def lines_of(result: Result) -> list[RenderableType]:
    """Return what is printed of a result, in order."""
    rows: list[RenderableType] = [""]
    violations = all_violations(result)
    if violations:
        count = f"{len(violations)} promise{'s were' if len(violations) > 1 else ' was'}"
        rows.append(f"[bold red]{count} broken, so no figure below proves anything:[/]")
        rows += [
            escape(f"  {v['promise']} {v['build']} {v['about']}: {v['seen']}; expected {v['expected']}")
            for v in violations[:SHOWN_VIOLATIONS]
        ]
    rows += [f"[bold]{escape(sentence)}[/]" for sentence in result["answer"]]
    if (costs := cost_table(result)).row_count:
        rows.append(costs)
    rows += [escape(sentence) for sentence in money.sentences(result)]
    if result["comparison"]:
        rows.append(comparison_table(result))
    return rows


def cost_table(result: Result) -> Table:
    """Return cost, memory and latency by build."""
    table = Table("", "CPU ms per", "MB", "p50 ms", "p95", "p99", "orders", "books", box=SIMPLE_HEAD)
    for column in table.columns[1:7]:
        column.justify = "right"
    for arm in summary.arms(result):
        latency = arm.latency()
        waits = [number(latency["p50"]), number(latency["p95"]), number(latency["p99"])] if latency else [""] * 3
        checked = [run["reconciled"] for run in arm.runs if run["reconciled"] is not None]
        books = "" if not checked else "[green]right[/]" if all(checked) else "[red]WRONG[/]"
        orders = sum(run["orders_confirmed"] for run in arm.runs)
        cost = f"{number(arm.cpu_ms)} {'list' if arm.unit == 'list' else 'order'}"
        memory = number(arm.memory_mb) if arm.memory_mb else ""
        table.add_row(build_name(arm.build), cost, memory, *waits, str(orders or ""), books)
    return table


def comparison_table(result: Result) -> Table:
    """Return the ratios with their intervals."""
    sides = {(row.get("b", ""), row.get("a", "")) for row in result["comparison"].values()}
    title = " / ".join(build_name(side) for side in next(iter(sides))) if len(sides) == 1 else "how many times as much"
    table = Table(title, "times", "95 % interval", "pairs", "", box=SIMPLE_HEAD)
    for column in table.columns[1:4]:
        column.justify = "right"
    for name, row in result["comparison"].items():
        verdict: str = row.get("verdict", "")
        if "target" in row:
            within = row["ratio"] <= row["target"]
            verdict = f"[{'green' if within else 'red'}]{'within' if within else 'above'} {number(row['target'], 2)}[/]"
        what = row.get("what", name)
        if len(sides) > 1:
            what = f"{what}, {row.get('b', '')} / {row.get('a', '')}"
        table.add_row(what, number(row["ratio"]), interval(row), str(row.get("pairs", "")), verdict)
    return table


def list_of_experiments(plans: Mapping[str, Plan]) -> Table:
    """Return experiments by name, and what they ask."""
    table = Table("experiment", "question")
    for name, plan in plans.items():
        table.add_row(name, plan["question"])
    return table


def say_where(builds: Sequence[str]) -> None:
    """Say where the shops are that an experiment left up."""
    for name in builds:
        console.print(f"{build_name(name):>14}  [bold]{runner_for(name).address}[/]")
    if builds:
        command = "make compose-down" if on_containers() else "make down"
        console.print(f"Both shops are still up: look around, and `{command}` when done.")
