"""Brings a service's database to the newest version on start, one process at a time."""

from __future__ import annotations

import asyncio
from importlib import resources
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from microservices.kit.database import Database
from shared.platform.migrations import LOOK_EVERY_S, is_newest, upgrade

_TRY_LOCK = text("SELECT pg_try_advisory_lock(7305001)")  # any number, the same for all replicas of a service


def migrations_of(package: str) -> Path:
    """Return the folder `migrations/` of a service's package, such as `microservices.orders`."""
    return Path(str(resources.files(package))) / "migrations"


async def migrate(database: Database, package: str) -> None:
    """Upgrade to the newest version. Raises ValueError if the database has one that this program does not know."""
    folder = migrations_of(package)
    if is_newest(await _version(database), folder):
        return
    async with database.patient() as patient, patient.engine.connect() as holder:
        await holder.execution_options(isolation_level="AUTOCOMMIT")
        # A second replica waits here and finds nothing left to do. The lock is asked for again and again: a statement
        # that waits for it would be waited for by CREATE INDEX CONCURRENTLY. Whoever has it keeps it while connected.
        while not (await holder.execute(_TRY_LOCK)).scalar_one():  # noqa: ASYNC110  (nobody here sets an event)
            await asyncio.sleep(LOOK_EVERY_S)
        if not is_newest(await _version(patient), folder):
            async with patient.engine.connect() as connection:
                await connection.run_sync(upgrade, folder)


async def _version(database: Database) -> str | None:
    try:
        rows = await database.read(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:  # no such table: a fresh database
        return None
    return rows[0][0] if rows else None
