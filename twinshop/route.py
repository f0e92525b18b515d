"""The command `twinshop route`: two versions of a part behind one route."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from deploy import stacks
from deploy.envoy.cluster_stats import ClusterStats
from deploy.model.errors import DeployError
from deploy.model.versions import FIRST, code_from
from deploy.routing import Routing, VersionFigures
from deploy.runner.console import console
from loadtests.measure.canary_analysis import CanaryAnalysis, Regression
from twinshop.faults import duration_s
from twinshop.stacks import Choice, StackOption, name_and_value

Shares = Annotated[list[str] | None, typer.Argument(help="VERSION=PERCENT, such as v2=10%; without it: show.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, a setting of a version that is new.")]


def route(
    part: Annotated[str, typer.Argument(help="A part: catalog, monolith/web.")],
    share: Shares = None,
    stack: StackOption = Choice.both,
    sticky: Annotated[bool, typer.Option("--sticky", help="A customer who is signed in stays with a version.")] = False,
    setting: Settings = None,
    code: Annotated[Path | None, typer.Option(help="A folder whose packages a version that is new runs.")] = None,
    watch: Annotated[str, typer.Option(help="Watch for so long (60s), and take back what does worse than v1.")] = "",
    reset: Annotated[bool, typer.Option("--reset", help="Everything to v1 again; the others are stopped.")] = False,
) -> None:
    """Give versions of a part shares of its requests: `route catalog v2=10%`. What is new is started first."""
    runner = stacks.runner_of(part, stack.stacks)
    routing = Routing(runner, part.removeprefix(f"{runner.stack.name}/"))
    if reset:
        routing.reset()
        console.print(f"{runner.stack.name}/{routing.part}: {FIRST} gets everything.")
        return
    shares = dict(_share(item) for item in share or [])
    if shares:
        _start_missing(routing, shares, setting or [], code)
        routing.set_weights(shares, sticky=sticky or routing.is_sticky)
    elif setting or code or sticky:
        raise DeployError("Say which version they are for: v2=10%, for instance.")
    if watch:
        _watch(routing, shares, duration_s(watch))
    console.print(table_of(routing.figures(), sticky=routing.is_sticky))


def _start_missing(routing: Routing, shares: dict[str, int], settings: list[str], code: Path | None) -> None:
    names = {version.name for version in routing.known}
    fresh = [name for name in shares if name not in names]
    if (settings or code) and not fresh:
        raise DeployError("Settings and code are of a version's start: --reset first, or name a new version.")
    environment = dict(name_and_value(item) for item in settings) | (code_from(code) if code else {})
    for name in fresh:
        version = routing.add(name, environment)
        console.print(f"{routing.runner.stack.name}/{version.cluster} runs.")


def _watch(routing: Routing, shares: dict[str, int], seconds: float) -> None:
    names = list(shares) or [version.name for version in routing.known]
    if len(names) != 1:
        raise DeployError("Watch one version at a time.")
    with console.status(f"Watching {names[0]}") as status:
        analysis = CanaryAnalysis()

        def look(first: ClusterStats, new: ClusterStats) -> Regression | None:
            regression = analysis.look(first, new)
            status.update(f"Watching {names[0]}: odds that it does worse {analysis.odds:.2g} to 1")
            return regression

        regression = routing.watch(names[0], seconds, look)
    if regression is None:
        console.print(f"{names[0]} did no worse than {FIRST} in {seconds:.0f} s, as far as can be told.")
    else:
        console.print(
            f"[red]{names[0]} was taken back:[/] {regression.message()} It runs on without requests until --reset."
        )
        raise typer.Exit(1)


def table_of(rows: list[VersionFigures], *, sticky: bool) -> Table:
    """Return the figures of all versions as a table."""
    right = [Column(head, justify="right") for head in ("share", "requests", "failed", "p50 ms", "p99 ms")]
    title = "a customer stays with a version" if sticky else None
    table = Table(Column("version"), *right, caption=title)
    for row in rows:
        waits = (f"{wait:.1f}" if wait is not None else "" for wait in (row.p50_ms, row.p99_ms))
        table.add_row(row.version, f"{row.percent} %", f"{row.requests:,}", f"{row.failed:,}", *waits)
    return table


def _share(item: str) -> tuple[str, int]:
    name, equals, percent = item.partition("=")
    number = percent.removesuffix("%")
    if not (name and equals and number.isdigit() and int(number) <= 100):
        raise DeployError(f"'{item}' is no share; write v2=10%.")
    return name, int(number)
