"""Tables of the catalog: products, their stock, and what orders have reserved of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text, Uuid
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
    Column("price", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("search", TSVECTOR),
)

# Apart from products: a sale writes this narrow row, and not the description and its index.
stock = Table(
    "stock",
    metadata,
    Column("sku", BYTES, primary_key=True),
    Column("initial", Integer, nullable=False),
    Column("restocked", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("order_id", Uuid(as_uuid=False), primary_key=True),
    Column("sku", BYTES, primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
)
