"""Table of the notifications module: what a customer was told, or is about to be; also the mail queue."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid

from monolith.database import metadata

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), nullable=False),
    Column("kind", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Also the lease of who sends it: until then nobody else takes it.
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("traceparent", Text),  # W3C: the span that caused it, where that is recorded
)
