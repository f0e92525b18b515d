"""Tables of the catalog: products, their stock, and what orders have reserved of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from monolith.database import metadata

# Collation "C": bytes in order, so that the database sorts skus as Python does.
BYTES = Text(collation="C")

products = Table(
    "products",
    metadata,
    Column("sku", BYTES, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("category", BYTES, nullable=False),
    Column("price", BigInteger, CheckConstraint("price >= 0"), nullable=False),
    Column("currency", Text, nullable=False),
    Column("search", TSVECTOR, Computed("to_tsvector('simple', name || ' ' || description)", persisted=True)),
    Index("products_by_category", "category", "sku"),
    Index("products_by_words", "search", postgresql_using="gin"),
)

# Apart from products: a sale writes this narrow row, and not the description and its index.
stock = Table(
    "stock",
    metadata,
    Column("sku", BYTES, ForeignKey("products.sku"), primary_key=True),
    Column("initial", Integer, nullable=False),
    Column("restocked", BigInteger, nullable=False, server_default="0"),
    Column("available", BigInteger, CheckConstraint("available >= 0"), nullable=False),
    Column("reserved", BigInteger, CheckConstraint("reserved >= 0"), nullable=False, server_default="0"),
    Column("sold", BigInteger, CheckConstraint("sold >= 0"), nullable=False, server_default="0"),
    postgresql_with={"fillfactor": "50"},  # room for the next version of a row on its own page
)

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("sku", BYTES, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
)
