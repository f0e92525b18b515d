"""A migration takes as long as it takes, two replicas wait for each other, and nobody who writes waits for an index."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unicodedata import normalize

import pytest
from sqlalchemy import text

from microservices.kit.database import STATEMENT_TIMEOUT_MS, Database
from microservices.kit.migrate import migrate, migrations_of
from shared.platform.metrics import Metrics
from shared.platform.migrations import is_newest, upgrade

PACKAGE = "microservices.catalog"
ROWS = 1_000_000
LONG_S = STATEMENT_TIMEOUT_MS / 1000 + 1.0
RECEIVE = text("INSERT INTO inbox VALUES (gen_random_uuid(), 'test')")


@asynccontextmanager
async def at_version(url: str, version: str) -> AsyncIterator[Database]:
    """A database whose schema is of an older version, with nothing in it."""
    database = Database(url, 4, Metrics(), "test")
    async with database.patient() as patient:
        await patient.write(text("DROP SCHEMA public CASCADE"))
        await patient.write(text("CREATE SCHEMA public"))
        async with patient.engine.connect() as connection:
            await connection.run_sync(upgrade, migrations_of(PACKAGE), version)
    try:
        yield database
    finally:
        await migrate(database, PACKAGE)
        await database.close()


async def version_of(database: Database) -> str:
    return str((await database.read(text("SELECT version_num FROM alembic_version")))[0][0])


async def hold(database: Database, statement: str, seconds: float) -> None:
    """Run a statement in a transaction, and keep that open."""
    async with database.patient() as patient, patient.transaction() as connection:
        await connection.execute(text(statement))
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("blocking", ["SELECT pg_advisory_xact_lock(7305001)", "LOCK TABLE inbox"])
def test_a_migration_waits_for_as_long_as_it_takes(service_database_urls: dict[str, str], blocking: str) -> None:
    async def run() -> None:
        async with at_version(service_database_urls["catalog"], "0001") as database:
            held = asyncio.create_task(hold(database, blocking, LONG_S))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            await asyncio.gather(migrate(database, PACKAGE), migrate(database, PACKAGE))

            assert time.monotonic() - began > LONG_S - 1.0
            assert is_newest(await version_of(database), migrations_of(PACKAGE))
            await held

    asyncio.run(run())


def test_an_accent_of_before_is_composed(service_database_urls: dict[str, str]) -> None:
    async def run() -> None:
        async with at_version(service_database_urls["catalog"], "0001") as database:
            product = text("INSERT INTO products VALUES ('CREME-1', :text, :text, :text, 450, 'EUR')")
            await database.write(product, {"text": normalize("NFD", "Crème brûlée")})
            await migrate(database, PACKAGE)

            rows = await database.read(text("SELECT name, description, category, search @@ 'crème' FROM products"))
            assert rows == [(*["Crème brûlée"] * 3, True)]

    asyncio.run(run())


@pytest.mark.long
def test_an_index_on_a_large_table_holds_up_nobody_who_writes(service_database_urls: dict[str, str]) -> None:
    async def run() -> None:
        async with at_version(service_database_urls["catalog"], "0001") as database:
            async with database.patient() as patient:
                await patient.write(
                    text("INSERT INTO inbox SELECT gen_random_uuid(), 'test' FROM generate_series(1, :n)"), {"n": ROWS}
                )
            migrations = [asyncio.create_task(migrate(database, PACKAGE)) for _ in "12"]
            longest_s, writes = 0.0, 0
            while not all(task.done() for task in migrations):
                began = time.monotonic()
                await database.write(RECEIVE)
                longest_s, writes = max(longest_s, time.monotonic() - began), writes + 1
            await asyncio.gather(*migrations)

            valid = text("SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = 'inbox_by_age'::regclass")
            assert (await database.read(valid))[0][0] is True
            assert (await database.read(text("SELECT count(*) FROM inbox")))[0][0] == ROWS + writes
            assert longest_s < 1.0

    asyncio.run(run())


def test_what_a_killed_start_left_of_an_index_is_built_anew(service_database_urls: dict[str, str]) -> None:
    async def run() -> None:
        async with at_version(service_database_urls["catalog"], "0001") as database:
            await database.write(text("CREATE INDEX inbox_by_age ON inbox (event_id)"))
            await migrate(database, PACKAGE)

            definition = text("SELECT indexdef FROM pg_indexes WHERE indexname = 'inbox_by_age'")
            assert "(received_at)" in (await database.read(definition))[0][0]

    asyncio.run(run())


def test_a_database_of_an_unknown_version_is_refused(service_database_urls: dict[str, str]) -> None:
    async def run() -> None:
        async with at_version(service_database_urls["catalog"], "0001") as database:
            await database.write(text("UPDATE alembic_version SET version_num = '9999'"))
            with pytest.raises(ValueError, match=r"version 9999, and this program knows 0001, "):
                await migrate(database, PACKAGE)
            await database.write(text("UPDATE alembic_version SET version_num = '0001'"))

    asyncio.run(run())
