"""The schema's versions, and the one function that brings a database up to date."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from shared.platform import migrations
from shared.platform.migrations import LOOK_EVERY_S, VERSION_TABLE, is_newest

LOCK = 0x7477696E  # 'twin': any number, as long as all who migrate take the same
FOLDER = Path(__file__).parent
_TRY_LOCK = sql.SQL("SELECT pg_try_advisory_lock({})").format(LOCK)


def migrate(database_url: str, folder: Path = FOLDER, version_table: str = VERSION_TABLE) -> None:
    """Bring the schema up to date by the versions in `folder`. Processes that start together wait for each other.

    Raises psycopg.Error, or ValueError if the database has a version that is not in the folder.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if is_newest(_current(connection, version_table), folder):
            return
        # Asked for again and again: a statement that waits for it would be waited for by CREATE INDEX CONCURRENTLY.
        while connection.execute(_TRY_LOCK).fetchone() != (True,):
            time.sleep(LOOK_EVERY_S)
        if not is_newest(_current(connection, version_table), folder):
            upgrade(database_url, folder=folder, version_table=version_table)


def upgrade(
    database_url: str, version: str = "head", *, folder: Path = FOLDER, version_table: str = VERSION_TABLE
) -> None:
    """Bring the schema to a version. Whoever calls this holds the lock."""
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        migrations.upgrade(connection, folder, version, version_table)


def _current(connection: psycopg.Connection[tuple[object, ...]], version_table: str) -> str | None:
    if connection.execute("SELECT to_regclass(%s)", [version_table]).fetchone() == (None,):
        return None
    row = connection.execute(sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(version_table))).fetchone()
    return str(row[0]) if row else None
