"""The command-line program `twinshop`: a list of commands; what they do is in their own modules."""

from __future__ import annotations

import sys

import typer

from deploy import commands
from deploy.display import errors
from deploy.errors import DeployError

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
):
    app.command()(command)
app.command("rate-limit")(commands.rate_limit)


def main() -> None:
    """Run a command; an error of ours is a message and status 1, Ctrl-C is status 130."""
    try:
        app()
    except DeployError as error:
        errors.print(f"[red]{error}[/]" if "[" not in str(error) else str(error), markup="[" not in str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(130)


if __name__ == "__main__":
    main()
