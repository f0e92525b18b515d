"""The table of the notifications: one row for each order and kind of message."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

metadata = MetaData()

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("total", BigInteger, nullable=False),  # minor units
    Column("currency", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Also the lease of who sends it: until then nobody else takes it.
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True), nullable=True),
    Column("traceparent", Text, nullable=True),  # W3C: the span that caused it, where that is recorded
    UniqueConstraint("order_id", "kind", name="notifications_once"),
    CheckConstraint("status IN ('queued', 'sent', 'undeliverable')", name="notification_status_known"),
    Index("notifications_by_customer", "customer_id", "id"),
    Index("notifications_queued", "next_attempt_at", postgresql_where="status = 'queued'"),
)
