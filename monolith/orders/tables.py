"""The table of the orders module, and what is forgotten of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from monolith import idempotency
from monolith.database import metadata

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    # Lines as they were priced; they never change, and nothing asks for them without their order.
    Column("lines", JSONB, nullable=False),
    Column("total", BigInteger),
    Column("currency", Text, nullable=False),
    Column("payment_id", Uuid(as_uuid=False), nullable=False),
    Column("reason", Text),
    Column("idempotency_key", Text),  # null: given back: the customer was told 503, or it is old
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("orders_by_customer", "customer_id", "id"),
)

_FORGET_KEYS = update(orders).where(orders.c.id.in_(bindparam("ids", expanding=True))).values(idempotency_key=None)


def prune_keys(kept_h: int, connection: Connection, batch: int) -> int:
    """Forget old keys, and let the orders that have had them have none, so that each may be used again."""
    forgotten = idempotency.prune(connection, kept_h, batch)
    connection.execute(_FORGET_KEYS, {"ids": forgotten})
    return len(forgotten)


def reset(connection: Connection) -> None:
    """Forget all orders."""
    connection.execute(text("TRUNCATE orders"))
