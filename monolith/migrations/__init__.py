"""The schema's versions, and the one function that brings a database up to date."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
from psycopg import sql

LOOK_EVERY_S = 0.2
LOCK = 0x7477696E  # 'twin': any number, as long as all who migrate take the same
FOLDER = Path(__file__).parent
VERSION_TABLE = "alembic_version"
_TRY_LOCK = sql.SQL("SELECT pg_try_advisory_lock({})").format(LOCK)


def migrate(database_url: str, folder: Path = FOLDER, version_table: str = VERSION_TABLE) -> None:
    """Bring the schema up to date by the versions in `folder`. Processes that start together wait for each other.

    Raises psycopg.Error, or ValueError if the database has a version that is not in the folder.
    """
    versions = sorted(path.stem.split("_")[0] for path in (folder / "versions").glob("[0-9]*.py"))
    current = _current(database_url, version_table)
    if current == versions[-1]:
        return
    if current is not None and current not in versions:
        raise ValueError(
            f"the database has schema version {current}, and this program knows {', '.join(versions)}: "
            "start it with the program that it comes from, or remove its data and start with an empty one"
        )
    with psycopg.connect(database_url, autocommit=True) as connection:
        # Asked for again and again: a statement that waits for it would be waited for by CREATE INDEX CONCURRENTLY.
        while connection.execute(_TRY_LOCK).fetchone() != (True,):
            time.sleep(LOOK_EVERY_S)
        if _current(database_url, version_table) != versions[-1]:
            upgrade(database_url, folder=folder)


def upgrade(database_url: str, version: str = "head", *, folder: Path = FOLDER) -> None:
    """Bring the schema to a version. Whoever calls this holds the lock."""
    # Only now: importing Alembic takes longer than all else that a start does.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["database_url"] = database_url
    command.upgrade(config, version)


def create_index(name: str, on: str, kind: str = "INDEX") -> None:
    """Build an index, `on` a table's columns, while others write to it; anew what a killed start left of it."""
    from alembic import op  # noqa: PLC0415

    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {on}")


def _current(database_url: str, version_table: str) -> str | None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass(%s)", [version_table]).fetchone() == (None,):
            return None
        row = connection.execute(sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(version_table))).fetchone()
        return str(row[0]) if row else None
