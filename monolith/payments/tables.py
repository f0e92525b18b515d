"""Tables of the payments module: one payment an order, any number of refunds a payment."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid

from monolith.database import metadata

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("risk", Integer),
    Column("attempts", Integer, nullable=False),
    # When the settle thread may take it: never while the request itself may still be at work.
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("payment_id", Uuid(as_uuid=False), nullable=False),
    Column("provider_key", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    # Who asked, under which key: the settle thread stores the answer there.
    Column("requested_by", Text),
    Column("idempotency_key", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
