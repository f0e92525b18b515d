"""A catalog with a database of its own, holding three products, for the tests beside this file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from shared.platform.metrics import Metrics

STOCK = {"APPLE-1": 10, "BREAD-1": 5, "CHAIR-1": 1}
PRICE = {"APPLE-1": 50, "BREAD-1": 250, "CHAIR-1": 9900}
_PRODUCTS = text(
    "INSERT INTO products (sku, name, description, category, price, currency, initial, available) "
    "VALUES (:sku, :sku, 'for tests', 'food', :price, 'EUR', :stock, :stock)"
)

Scene = Callable[[Database], Awaitable[Any]]


@pytest.fixture
def play(service_database_urls: dict[str, str]) -> Callable[[Scene], Any]:
    """Run a coroutine function on a fresh catalog, and check afterwards that the stock adds up (the table does)."""

    async def run(scene: Scene) -> Any:
        database = Database(service_database_urls["catalog"], 8, Metrics(), "test")
        try:
            await migrate(database, "microservices.catalog")
            async with database.transaction() as connection:
                await connection.execute(text("TRUNCATE products, reservations, inbox, idempotency_keys"))
                rows = [{"sku": sku, "price": PRICE[sku], "stock": stock} for sku, stock in STOCK.items()]
                await connection.execute(_PRODUCTS, rows)
            return await scene(database)
        finally:
            await database.close()

    return lambda scene: asyncio.run(run(scene))
