"""The table of the orders module, and what is forgotten of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    select,
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
    Column("version", Integer, nullable=False),
    # Lines as they were priced; they never change, and nothing asks for them without their order.
    Column("lines", JSONB, nullable=False),
    Column("total", BigInteger),
    Column("currency", Text, nullable=False),
    Column("payment_id", Uuid(as_uuid=False), nullable=False),
    Column("reason", Text),
    Column("idempotency_key", Text),  # null: given back: the customer was told 503, or it is old
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

_THESE = orders.c.id.in_(bindparam("ids", expanding=True))
_UNFINISHED = select(orders.c.id).where(_THESE, orders.c.status.in_(["placed", "payment_pending", "cancelling"]))
_FORGET_KEYS = update(orders).where(_THESE).values(idempotency_key=None)


def prune_keys(kept_h: int, connection: Connection, batch: int) -> int:
    """Forget old keys, unless their order is unfinished; the other orders have none then, and each is free again."""
    old = idempotency.old_keys(connection, kept_h, batch)
    unfinished = set(connection.execute(_UNFINISHED, {"ids": list(old)}).scalars())
    forgotten = [order_id for order_id in old if order_id not in unfinished]
    idempotency.free(connection, [old[order_id] for order_id in forgotten])
    connection.execute(_FORGET_KEYS, {"ids": forgotten})
    return len(forgotten)


def reset(connection: Connection) -> None:
    """Forget all orders."""
    connection.execute(text("TRUNCATE orders"))
