"""What the services believe about their tables is what their migrations make."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from shared.platform.metrics import Metrics

SERVICES = ("catalog", "orders", "payments", "notifications")
# What only the migration says, because no statement needs to know it.
BY_HAND = {"remove_index", "remove_table", "remove_constraint", "remove_fk", "modify_default"}


@pytest.mark.parametrize("service", SERVICES)
def test_the_tables_in_code_are_the_tables_in_the_database(service: str, service_database_urls: dict[str, str]) -> None:
    metadata = importlib.import_module(f"microservices.{service}.tables").metadata

    def differences(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async def run() -> list[Any]:
        database = Database(service_database_urls[service], 2, Metrics(), "test")
        try:
            await migrate(database, f"microservices.{service}")
            async with database.engine.connect() as connection:
                items: list[Any] = await connection.run_sync(differences)
                return items
        finally:
            await database.close()

    flat = [item for items in asyncio.run(run()) for item in (items if isinstance(items, list) else [items])]
    assert [item for item in flat if item[0] not in BY_HAND] == []
