"""Tables of the payments module: one payment an order, any number of refunds a payment."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from monolith.database import metadata

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), nullable=False, unique=True),
    Column("customer_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("risk", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # When the settle thread may take it: never while the request itself may still be at work.
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("payments_pending", "next_attempt_at", postgresql_where=text("status = 'pending'")),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("payment_id", Uuid(as_uuid=False), ForeignKey("payments.id"), nullable=False, index=True),
    Column("provider_key", Text, nullable=False, unique=True),
    Column("origin", Text, nullable=False),
    Column("amount", BigInteger, CheckConstraint("amount >= 0"), nullable=False),
    Column("status", Text, nullable=False),
    # Who asked, under which key: the settle thread stores the answer there.
    Column("requested_by", Text),
    Column("idempotency_key", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("refunds_pending", "next_attempt_at", postgresql_where=text("status = 'pending'")),
)
