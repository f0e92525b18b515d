"""The command-line program `twinshop`: a list of commands; what they do is in their own modules."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import typer

from deploy import commands
from deploy.display import errors
from deploy.errors import DeployError
from deploy.faults import commands as breaking
from loadtests import commands as measuring

app = typer.Typer(
    name="twinshop",
    help="Run the same shop as a monolith and as microservices, and compare them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    commands.up,
    commands.down,
    commands.status,
    commands.stats,
    commands.ports,
    commands.scale,
    commands.kill,
    commands.hold,
    commands.release,
    commands.pause,
    commands.resume,
    commands.restart,
    commands.logs,
    commands.reset,
    breaking.fault,
    breaking.heal,
    measuring.demo,
    measuring.bench,
    measuring.experiment,
    measuring.report,
):
    app.command()(command)
app.command("rate-limit")(commands.rate_limit)
app.command("compare-reports")(measuring.compare_reports)


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
