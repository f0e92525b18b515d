"""What the command line shows: progress while parts become ready, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from deploy.runner.interface import PartStats, StackStatus

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

COLOUR = {"ready": "green", "starting": "yellow", "waiting": "yellow", "backing off": "red", "held": "magenta"}


class StartProgress:
    """One bar for each stack that comes up; `watch` fits `Runner.up`."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[waiting]}"),
            console=console,
        )
        self._tasks = {name: self._progress.add_task(name, total=count, waiting="") for name, count in parts.items()}

    def __enter__(self) -> StartProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def watch(self, status: StackStatus) -> None:
        """Show how far a stack is, and what it waits for."""
        late = [instance.instance for instance in status.instances if instance.state != "ready"]
        ready = len(status.instances) - len(late)
        self._progress.update(self._tasks[status.stack], completed=ready, waiting=", ".join(late))


def status_table(statuses: Iterable[StackStatus]) -> Table:
    """Return the replicas of all stacks as a table."""
    columns = [Column(name, no_wrap=True) for name in ("stack", "replica", "state", "pid", "ports", "restarts")]
    columns[2] = Column("state", min_width=len("backing"))  # wraps, and is never squeezed out
    table = Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for status in statuses:
        if not status.up:
            table.add_row(status.stack, "", "down", "", "", "")
        for one in status.instances:
            state = f"[{COLOUR.get(one.state, 'red')}]{one.state}[/]{f' ({one.trouble})' if one.trouble else ''}"
            ports = "\n".join(f"{name}:{port}" for name, port in one.ports.items())
            table.add_row(status.stack, one.instance, state, str(one.pid or ""), ports, str(one.restarts))
    return table


def stats_table(stats: Mapping[str, list[PartStats]]) -> Table:
    """Return CPU and memory by part, with a sum for each stack."""
    table = Table(
        Column("stack", no_wrap=True),
        Column("part", no_wrap=True),
        "replicas",
        "processes",
        "CPU s",
        "memory MB",
        "restarts",
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for stack, parts in stats.items():
        for one in parts:
            memory = f"{one.memory_bytes / 2**20:.1f}{'' if one.memory_kind in ('pss', 'cgroup') else ' (RSS)'}"
            counts = (str(one.replicas), str(one.processes), f"{one.cpu_s:.2f}", memory, str(one.restarts))
            table.add_row(stack, one.part, *counts)
        processes = str(sum(one.processes for one in parts))
        cpu = f"{sum(one.cpu_s for one in parts):.2f}"
        memory = f"{sum(one.memory_bytes for one in parts) / 2**20:.1f}"
        table.add_row(stack, "all", "", processes, cpu, memory, "", style="bold", end_section=True)
    return table
