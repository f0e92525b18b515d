"""The tables of the catalog: products with their stock, and the reservations that orders hold on it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData()

# One row holds a product and its stock, so that a list reads one table. Byte order ("C") for the sku:
# pages come in the same order whatever locale the database was made with.
products = Table(
    "products",
    metadata,
    Column("sku", Text(collation="C"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", Text(collation="C"), nullable=False),
    Column("price", BigInteger, nullable=False),  # minor units
    Column("currency", Text, nullable=False),
    # initial + restocked = available + reserved + sold, at any moment (promise S2).
    Column("initial", BigInteger, nullable=False),
    Column("restocked", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("search", TSVECTOR, nullable=False),  # of name and description, made by the database
)

# One row an order: its key makes the reservation happen once, its status makes each later step happen once.
reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("status", Text, nullable=False),
    # [{sku, name, quantity, unit_price, currency}] as they were priced, so that a repeated call gets the same prices.
    Column("lines", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

# A reserve that comes after the release of its order carries a token that expired long before this.
PRUNE_TOMBSTONES = text("""
    DELETE FROM reservations WHERE order_id IN (
        SELECT order_id FROM reservations
        WHERE status = 'tombstone' AND created_at < now() - make_interval(hours => :keys_kept_h)
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING order_id
""")
