"""The tables of the catalog: products with their stock, and the reservations that orders hold on it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
)
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
    Column("initial", BigInteger, nullable=False, server_default="0"),
    Column("restocked", BigInteger, nullable=False, server_default="0"),
    Column("available", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("sold", BigInteger, nullable=False, server_default="0"),
    Column(
        "search",
        TSVECTOR,
        Computed("to_tsvector('simple', name || ' ' || description)", persisted=True),
        nullable=False,
    ),
    CheckConstraint("price >= 0", name="price_not_negative"),
    CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="stock_not_negative"),
    CheckConstraint("initial + restocked = available + reserved + sold", name="stock_adds_up"),
    Index("products_by_category", "category", "sku"),
    Index("products_by_text", "search", postgresql_using="gin"),
    postgresql_with={"fillfactor": 70},  # room in the page: a stock update touches no index
)

# One row an order: its key makes the reservation happen once, its status makes each later step happen once.
reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("status", Text, nullable=False),
    # [{sku, name, quantity, unit_price, currency}] as they were priced, so that a repeated call gets the same prices.
    Column("lines", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(
        "status IN ('reserved', 'sold', 'released', 'returned', 'tombstone')", name="reservation_status_known"
    ),
    postgresql_with={"fillfactor": 80},
)
