"""Tables of a monolith whose modules may leave it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from monolith.database import metadata

modules = Table(
    "modules",
    metadata,
    Column("only_row", Boolean, CheckConstraint("only_row"), primary_key=True, server_default=text("true")),
    Column("moved_out", ARRAY(Text), nullable=False, server_default="{}"),
    Column("closing_until", DateTime(timezone=True)),  # until then no gate opens
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
inbox = Table(
    "inbox",
    metadata,
    Column("event_id", Uuid(as_uuid=False), primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("inbox_by_age", "received_at"),
)
