"""Fill an empty catalog with the products that both shops sell."""

from __future__ import annotations

from sqlalchemy import Connection, text

from monolith.database import Database
from shared.seed import products

_ANY = text("SELECT 1 FROM products LIMIT 1")


def seed_if_empty(database: Database, count: int) -> None:
    """Seed `count` products unless there are some. Safe to call from several processes at once."""
    if count == 0 or database.fetch_one(_ANY) is not None:
        return
    with database.transaction() as connection:
        connection.execute(text("LOCK TABLE products IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(_ANY).first() is None:
            seed(connection, count)
    database.write(text("VACUUM ANALYZE products, stock"))  # what all can see is found in an index alone


def reset(connection: Connection, count: int) -> None:
    """Forget all products and reservations, and seed `count` products."""
    connection.execute(text("TRUNCATE products, stock, reservations"))
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
    # In the order of their skus, as lists and searches read them. That makes the index of words anew, too, which else
    # has all words that were copied still to be sorted in, until the autovacuum comes by.
    for table in ("products", "stock"):
        connection.execute(text(f"CLUSTER {table} USING {table}_pkey"))
