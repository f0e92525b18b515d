"""The command-line program `twinshop`: a list of commands; what they do is in their own modules."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import typer

from deploy.kubernetes.cluster import CONTEXT, NAMESPACE
from deploy.kubernetes.runner import COMPONENTS
from deploy.model.errors import DeployError
from deploy.runner.console import errors
from deploy.stacks import VARIABLE
from twinshop import claims as asking
from twinshop import dead_letters, doctor, route, stacks
from twinshop import experiments as measuring
from twinshop import faults as breaking
from twinshop import gameday as rehearsing
from twinshop import labs as teaching
from twinshop import migrate as moving
from twinshop import mystery as hiding
from twinshop import room as showing
from twinshop import traces as tracing
from twinshop.pictures import pictures
from twinshop.profile import profile


class Place(StrEnum):
    """What stacks run on."""

    local = "local"
    compose = "compose"
    kubernetes = "kubernetes"


app = typer.Typer(
    name="twinshop",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    stacks.up,
    stacks.down,
    stacks.status,
    stacks.stats,
    stacks.ports,
    stacks.scale,
    stacks.kill,
    stacks.hold,
    stacks.release,
    stacks.pause,
    stacks.resume,
    stacks.restart,
    stacks.logs,
    stacks.reset,
    pictures,
    doctor.doctor,
    route.route,
    breaking.fault,
    breaking.heal,
    rehearsing.gameday,
    hiding.mystery,
    moving.migrate,
    tracing.trace,
    profile,
    measuring.demo,
    measuring.bench,
    measuring.experiment,
    measuring.chaos,
    asking.claims,
    measuring.compare,
    measuring.report,
    showing.room,
    showing.load,
    showing.books,
    showing.locust,
    showing.screenshots,
    teaching.lab,
    teaching.buy,
    teaching.rows,
    teaching.classroom,
):
    app.command()(command)
app.command("dead-letters")(dead_letters.dead_letters)
app.command("rate-limit")(stacks.rate_limit)
app.command("compare-reports")(measuring.compare_reports)


def show_version(is_set: bool) -> None:
    """Print the version, and stop."""
    if is_set:
        typer.echo(f"twinshop {version('twinshop')}")
        raise typer.Exit


@app.callback()
def choose_place(
    on: Annotated[
        Place | None,
        typer.Option(help="local: processes of this machine; compose: containers; kubernetes: Pods of a cluster."),
    ] = None,
    context: Annotated[str, typer.Option(help="With --on kubernetes: kubectl's context.")] = "",
    namespace: Annotated[str, typer.Option(help="With --on kubernetes: the namespace (twinshop).")] = "",
    components: Annotated[
        str, typer.Option(help="With --on kubernetes: components for `up`, such as budgets,hpa.")
    ] = "",
    _version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Run the same shop as a monolith and as microservices, and compare them."""
    if on is not None:
        os.environ[VARIABLE] = on.value  # for the programs that a command starts, too
    for variable, value in ((CONTEXT, context), (NAMESPACE, namespace), (COMPONENTS, components)):
        if value:
            os.environ[variable] = value


def main() -> None:
    """Run a command."""
    sys.exit(guard(app))


def guard(run: Callable[[], object]) -> int:
    """Run something for the terminal: an error of ours is a message and status 1, Ctrl-C and SIGTERM are status 130."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us wants what Ctrl-C does
    try:
        run()
    except DeployError as error:
        errors.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        errors.print("Stopped.")
        return 130
    return 0


if __name__ == "__main__":
    main()
