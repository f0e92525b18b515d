"""`twinshop migrate`: a module of the running monolith becomes a service, or comes back."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.local.runner import LocalRunner
from deploy.model.errors import DeployError
from deploy.runner.console import console
from deploy.stacks import runner_for
from migration.moves import Mover, MoveReport
from migration.watch import Bounds


def migrate(
    part: Annotated[str, typer.Argument(help="notifications, catalog, payments or orders, in this order")],
    back: Annotated[bool, typer.Option("--back", help="Move it back in.")] = False,
    p99_ms: Annotated[float, typer.Option(help="Go back if the service is slower.")] = Bounds.p99_ms,
    error_share: Annotated[float, typer.Option(help="Go back if more of its answers are errors.")] = Bounds.error_share,
    stage_s: Annotated[float, typer.Option(help="How long each share of the requests is watched.")] = 3.0,
) -> None:
    """Move a module of the monolith out while it serves, or --back."""
    runner = runner_for("monolith")
    if not isinstance(runner, LocalRunner):
        raise DeployError("Modules can be moved where stacks run as processes, not in containers.")
    mover = Mover(runner, bounds=Bounds(error_share, p99_ms), stage_s=stage_s, tell=console.print)
    report = mover.back(part) if back else mover.out(part)
    console.print(tell(report))


def tell(report: MoveReport) -> str:
    """Return what a move did in one line."""
    where = "out of the monolith" if report.direction == "out" else "in the monolith again"
    return (
        f"{report.module} is {where} after {report.took_s:.1f} s: {report.records} records verified, "
        f"{report.copied} copied, {report.caught_up} changes caught up with (at most {report.lag_ms:.0f} ms old), "
        f"requests waited {report.gates_closed_ms:.0f} ms at most."
    )
