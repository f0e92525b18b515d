"""A database that takes no writes, as a standby does during a failover: every write fails with SQLSTATE 25006."""

from __future__ import annotations

from deploy.faults.databases import connected
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


def end_if_set(runner: Runner, part: Part) -> bool:
    """Let a database take writes again if it takes none; return whether it took none. Raises DeployError."""
    with connected(runner, part) as connection:
        is_set = connection.execute(_IS_SET).fetchone() == (True,)
    if is_set:
        end(runner, part)
    return is_set


def _apply(runner: Runner, part: Part, statement: str) -> None:
    with connected(runner, part, superuser=True) as connection:
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")
