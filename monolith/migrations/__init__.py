"""The schema's versions, and the one function that brings a database up to date."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

_LOCK = 0x7477696E  # 'twin': any number, as long as all who migrate take the same
_FOLDER = Path(__file__).parent


def migrate(database_url: str) -> None:
    """Bring the schema up to date. Processes that start together wait for each other. Raises psycopg.Error."""
    if _current(database_url) == head():
        return
    # Only now: importing Alembic takes longer than all else that a start does.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["database_url"] = database_url
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("SELECT pg_advisory_lock({})").format(_LOCK))
        if _current(database_url) != head():
            command.upgrade(config, "head")


def head() -> str:
    """Return the newest revision: files are named after theirs."""
    return max(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))


def _current(database_url: str) -> str | None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
