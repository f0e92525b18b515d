"""Brings a service's database to the newest version on start, one process at a time."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from microservices.kit.database import Database

log = logging.getLogger(__name__)

_LOCK = 7_305_001  # any number, the same for all replicas of a service
LONG_MIGRATION_S = 600


def migrations_of(package: str) -> Path:
    """Return the folder `migrations/` of a service's package, such as `microservices.orders`."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is not a package")
    return Path(next(iter(spec.submodule_search_locations))) / "migrations"


def newest(migrations: Path) -> str:
    """Return the id of the newest migration: files are named `<id>_<title>.py` with growing numbers as ids."""
    return max(path.name.partition("_")[0] for path in (migrations / "versions").glob("[0-9]*.py"))


async def migrate(database: Database, package: str) -> None:
    """Upgrade to the newest version. Alembic is only imported if there is something to do: it is slow to import."""
    migrations = migrations_of(package)
    if await _version(database) == newest(migrations):
        return
    async with database.engine.begin() as connection:
        # Held until the end of this transaction; a second replica waits here and finds nothing left to do.
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_upgrade, migrations)
    log.info("the database is at version %s", newest(migrations))


async def _version(database: Database) -> str | None:
    try:
        rows = await database.read(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # no such table: a fresh database
        return None
    return rows[0][0] if rows else None


def _upgrade(connection: Connection, migrations: Path) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations(target_metadata: Any = None) -> None:
    """Run what Alembic asks for on the connection that `migrate` opened. The whole of a service's `env.py`."""
    from alembic import context  # noqa: PLC0415

    context.configure(connection=context.config.attributes["connection"], target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
