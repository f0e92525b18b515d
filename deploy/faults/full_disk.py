"""A database without room for another row: what its clients see of a full disk, though no disk is filled.

PostgreSQL on a full disk goes on reading and deleting; an INSERT or UPDATE that needs a new page fails with SQLSTATE
53100, and only that statement's transaction with it. Just that is done here, by a trigger on every table, as if no page
had room left. What comes next on a real disk, if nobody clears it, is that no log can be written, and the server stops:
that is the fault `kill`.

Two other ways are none. Under a limit on the size of files (RLIMIT_FSIZE) the very first commit cannot write its log:
the server panics, and says "File too large". A small file system of its own needs the right to mount, and what is on a
tmpfs is gone with its mount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.faults.databases import connected
from deploy.model.parts import Part
from deploy.runner.interface import Runner
from deploy.runner.locks import retry_on_lock

if TYPE_CHECKING:
    import psycopg

NAME = "twinshop_disk_full"  # of the function and of its triggers
PATIENCE_S = 10.0

_ROOM = f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$"
_NO_ROOM = f"""
CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    RAISE EXCEPTION 'could not extend the file of table "%": No space left on device', TG_TABLE_NAME
    USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
END$$"""
_TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_TRIGGERS = (
    "SELECT quote_ident(relname) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE tgname = %s ORDER BY relname"
)
_IS_THERE = "SELECT 1 FROM pg_proc WHERE proname = %s"


def fill(runner: Runner, part: Part) -> None:
    """Let every INSERT and UPDATE of a database fail, from one moment on. Raises DeployError, and then none does."""
    try:
        with connected(runner, part) as connection:
            connection.execute(_ROOM.encode())
            for (table,) in connection.execute(_TABLES).fetchall():
                _patiently(
                    connection,
                    f"CREATE OR REPLACE TRIGGER {NAME} BEFORE INSERT OR UPDATE ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION {NAME}()",
                )
            connection.execute(_NO_ROOM.encode())  # all tables at once: the triggers are there already
    except BaseException:
        clear(runner, part)
        raise


def clear(runner: Runner, part: Part) -> bool:
    """Give a database its room back; return whether it had none. Raises DeployError."""
    with connected(runner, part) as connection:
        if connection.execute(_IS_THERE, (NAME,)).fetchone() is None:
            return False
        connection.execute(_ROOM.encode())  # at once; what follows waits for locks
        for (table,) in connection.execute(_TRIGGERS, (NAME,)).fetchall():
            _patiently(connection, f"DROP TRIGGER IF EXISTS {NAME} ON {table}")
        _patiently(connection, f"DROP FUNCTION IF EXISTS {NAME}()")
    return True


def _patiently(connection: psycopg.Connection[Any], statement: str) -> None:
    """Run a statement that waits for a lock, again and again: what waits long makes others wait behind it."""
    retry_on_lock(lambda: connection.execute(statement.encode()), PATIENCE_S)
