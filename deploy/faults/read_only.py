"""A database that takes no writes, as a standby does during a failover: every write fails with SQLSTATE 25006."""

from __future__ import annotations

from deploy.faults.databases import connected
from deploy.model.errors import DeployError
from deploy.model.parts import Part
from deploy.runner.interface import Runner

_SETTING = "default_transaction_read_only"
_IS_SET = "SELECT current_setting('default_transaction_read_only') = 'on'"


def begin(runner: Runner, part: Part) -> None:
    """Let every write of a database fail, in sessions that are open too. Raises DeployError."""
    _apply(runner, part, f"ALTER SYSTEM SET {_SETTING} = on")


def end(runner: Runner, part: Part) -> None:
    """Let a database take writes again. Raises DeployError."""
    _apply(runner, part, f"ALTER SYSTEM RESET {_SETTING}")


def end_all(runner: Runner) -> list[str]:
    """Let every database that can be reached take writes again; return those that took none."""
    ended = []
    for part in runner.stack.parts:
        if part.kind == "postgres":
            try:
                with connected(runner, part) as connection:
                    is_set = connection.execute(_IS_SET).fetchone() == (True,)
                if is_set:
                    end(runner, part)
                    ended.append(part.name)
            except DeployError:  # it is down, and comes up as it was: `heal` can be said again
                continue
    return ended


def _apply(runner: Runner, part: Part, statement: str) -> None:
    with connected(runner, part, superuser=True) as connection:
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")
