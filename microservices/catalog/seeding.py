"""The products an empty catalog starts with, copied in bulk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from microservices.kit.database import Database
from shared.seed import products

_LOCK = text("SELECT pg_advisory_xact_lock(7305002)")  # two replicas that start together seed once
_ANY = text("SELECT 1 FROM products LIMIT 1")
_COLUMNS = ("sku", "name", "description", "category", "price", "currency", "initial", "available")


async def seed_if_empty(database: Database, count: int) -> None:
    """Put the first `count` products of the seed into the catalog, unless it has any."""
    if await database.read(_ANY):
        return
    async with database.patient() as patient:
        async with patient.transaction() as connection:
            await connection.execute(_LOCK)
            if (await connection.execute(_ANY)).first() is not None:
                return
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection  # asyncpg's own: COPY has no form in Core
            rows = (
                (p.sku, p.name, p.description, p.category, p.price_cents, p.currency, p.initial_stock, p.initial_stock)
                for p in products(count)
            )
            await driver.copy_records_to_table("products", columns=_COLUMNS, records=rows)
            # In the order of their skus, as lists and searches read them. That makes the index of words anew, too,
            # which else has all words that were copied still to be sorted in, until the autovacuum comes by.
            await connection.execute(text("CLUSTER products USING products_pkey"))
        await patient.write(text("VACUUM ANALYZE products"))
