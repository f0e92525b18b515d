"""Brings a service's database to the newest version on start, one process at a time."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from microservices.kit.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
_TRY_LOCK = text("SELECT pg_try_advisory_lock(7305001)")  # any number, the same for all replicas of a service


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
    async with database.patient() as patient, patient.engine.connect() as holder:
        await holder.execution_options(isolation_level="AUTOCOMMIT")
        # A second replica waits here and finds nothing left to do. The lock is asked for again and again: a statement
        # that waits for it would be waited for by CREATE INDEX CONCURRENTLY. Whoever has it keeps it while connected.
        while not (await holder.execute(_TRY_LOCK)).scalar_one():  # noqa: ASYNC110  (nobody here sets an event)
            await asyncio.sleep(LOOK_EVERY_S)
        if await _version(patient) != newest(migrations):
            async with patient.engine.connect() as connection:
                await connection.run_sync(upgrade, migrations)
    log.info("the database is at version %s", newest(migrations))


async def _version(database: Database) -> str | None:
    try:
        rows = await database.read(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # no such table: a fresh database
        return None
    return rows[0][0] if rows else None


def upgrade(connection: Connection, migrations: Path, version: str = "head") -> None:
    """Bring the database of this connection to a version."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def create_index(name: str, on: str) -> None:
    """Build an index, `on` a table's columns, while others write to it; anew what a killed start left of it."""
    from alembic import op  # noqa: PLC0415

    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")


def run_migrations() -> None:
    """Run what Alembic asks for on the connection that `migrate` opened. The whole of a service's `env.py`."""
    from alembic import context  # noqa: PLC0415

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
