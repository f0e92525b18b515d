"""The crossing: all gates of the monolith are closed, nothing is under way, and a module changes sides."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from deploy.model.errors import DeployError
from migration.inside_monolith.gate import CHANNEL, LOCK
from migration.records import Connection

CLOSED_WITHIN_S = 3.0
TRIES = 4
PAUSE_S = 1.0


class GatesStayOpen(DeployError):
    """Something has been under way in the monolith for too long."""


@contextmanager
def crossing(database_url: str, gates: int) -> Iterator[Connection]:
    """Close the monolith's gates and yield a connection to its database; they open again at the end.

    `gates`: how many processes there are; none may be without one. Raises GatesStayOpen.
    """
    with psycopg.connect(database_url, autocommit=True, application_name="migration") as connection:
        _require_all(connection, gates)
        _close(connection)
        try:
            yield connection
        finally:
            connection.execute("UPDATE extraction SET closing_until = NULL")
            connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def now_extracted(connection: Connection, modules: Sequence[str]) -> None:
    """Say which modules are out; the gates read it when they open."""
    connection.execute("UPDATE extraction SET extracted = %s", [list(modules)])


def gates_of(connection: Connection) -> int:
    """Return how many processes of the monolith have a gate, and it is open."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objid = %s",
        [LOCK],
    ).fetchone()
    return int(row[0]) if row else 0


def _require_all(connection: Connection, gates: int) -> None:
    open_gates = gates_of(connection)
    if open_gates < gates:
        raise DeployError(f"{gates} replicas of the monolith run, and {open_gates} of them have an open gate.")


def _close(connection: Connection) -> None:
    """Take the lock alone. If something takes too long, open the gates again for a moment, so that nobody fails."""
    connection.execute(f"SET lock_timeout = {int(1000 * CLOSED_WITHIN_S)}".encode())
    for _ in range(TRIES):
        connection.execute(
            "UPDATE extraction SET closing_until = clock_timestamp() + make_interval(secs => %s)", [CLOSED_WITHIN_S + 1]
        )
        connection.execute(f"NOTIFY {CHANNEL}".encode())
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        except psycopg.errors.LockNotAvailable:
            connection.execute("UPDATE extraction SET closing_until = NULL")
            time.sleep(PAUSE_S)
        else:
            return
    raise GatesStayOpen(f"Something in the monolith has been under way for more than {CLOSED_WITHIN_S:.0f} s.")
