"""Fill an empty catalog with the products that both shops sell."""

from __future__ import annotations

from sqlalchemy import Connection, text

from monolith.database import Database
from shared.seed import products

# A catalog that has moved out of the process is not empty either.
_ANY = text("SELECT 1 FROM products UNION ALL SELECT 1 FROM modules WHERE 'catalog' = ANY (moved_out) LIMIT 1")


def seed_if_empty(database: Database, count: int) -> None:
    """Seed `count` products unless there are some. Safe to call from several processes at once."""
    if count == 0 or database.fetch_one(_ANY) is not None:
        return
    with database.transaction() as connection:
        connection.execute(text("LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(text("SELECT 1 FROM products LIMIT 1")).first() is None:
            seed(connection, count)


def seed(connection: Connection, count: int) -> None:
    """Copy `count` products and their stock into empty tables."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        columns = "sku, name, description, category, price, currency"
        with cursor.copy(f"COPY products ({columns}) FROM STDIN") as copy:
            for item in products(count):
                copy.write_row((item.sku, item.name, item.description, item.category, item.price_cents, item.currency))
        with cursor.copy("COPY stock (sku, initial, available) FROM STDIN") as copy:
            for item in products(count):
                copy.write_row((item.sku, item.initial_stock, item.initial_stock))
    connection.execute(text("ANALYZE products, stock"))
