"""The table of the orders service and the statements that move an order on."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

# An order, its saga and its idempotency key are one row: they change together, in one statement.
orders = Table(
    "orders",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("idempotency_key", Text),  # null: given back, because the customer was told 503, or because it is old
    Column("fingerprint", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),  # grows with each step and each claim: every step compares it first
    Column("payment_id", Uuid(as_uuid=False), nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),  # lines and expected total as they came, for a recovery
    Column("lines", JSONB, nullable=False),  # as the catalog priced them
    Column("total", BigInteger),
    Column("currency", Text),
    Column("reason", Text),
    Column("answer_status", Integer),  # the final answer, stored with the step that made it final
    Column("answer_media_type", Text),
    Column("answer_body", LargeBinary),
    Column("due_at", DateTime(timezone=True)),  # when the recovery takes it; also its lease. Database time.
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

PLACE = (
    text("""
    INSERT INTO orders (id, customer_id, email, idempotency_key, fingerprint, status, payment_id, payment_method,
                        wanted, due_at)
    VALUES (:id, :customer_id, :email, :idempotency_key, :fingerprint, 'placed', :payment_id, :payment_method,
            :wanted, now() + make_interval(secs => :due_in_s))
    ON CONFLICT (customer_id, idempotency_key) DO NOTHING
    RETURNING *
""")
    .bindparams(bindparam("wanted", type_=JSONB))
    .columns(*orders.c)
)

# A step of the saga: compare-and-set on (status, version), and the event that tells it. All or nothing, in one trip.
STEP = text("""
    WITH step AS (
        UPDATE orders
        SET status = :status, version = :version, lines = :lines, total = :total, currency = :currency,
            reason = :reason, idempotency_key = :idempotency_key, updated_at = :updated_at,
            answer_status = coalesce(:answer_status, answer_status),
            answer_media_type = coalesce(:answer_media_type, answer_media_type),
            answer_body = coalesce(:answer_body, answer_body),
            due_at = now() + make_interval(secs => :due_in_s)
        WHERE id = :id AND status = :seen_status AND version = :seen_version
        RETURNING id
    )
    INSERT INTO outbox (type, payload) SELECT :event_type, :payload FROM step RETURNING id
""").bindparams(bindparam("lines", type_=JSONB))

FORGET = text("DELETE FROM orders WHERE id = :id AND status = 'placed' AND version = :version RETURNING id")

CANCEL = text("""
    UPDATE orders
    SET status = 'cancelling', version = version + 1, updated_at = now(),
        due_at = now() + make_interval(secs => :due_in_s)
    WHERE id = :id AND customer_id = :customer_id AND status = 'confirmed'
      AND now() < created_at + make_interval(secs => :window_s)
    RETURNING *
""").columns(*orders.c)

# The new version shuts out whoever held the order before: a request that is still running loses its next step.
CLAIM = text("""
    UPDATE orders
    SET version = version + 1, due_at = now() + make_interval(secs => :lease_s)
    WHERE id IN (SELECT id FROM orders WHERE due_at <= now() ORDER BY due_at LIMIT :batch FOR UPDATE SKIP LOCKED)
    RETURNING *, extract(epoch FROM now() - created_at)::float8 AS age_s
""").columns(*orders.c, Column("age_s", Float))

# The order stays, its key is free: what was answered under it goes too. Looked for in the order of their age, by the
# database's clock; `updated_at` is a service's own, and can only keep a key for longer.
PRUNE_KEYS = text("""
    UPDATE orders
    SET idempotency_key = NULL, fingerprint = '', answer_status = NULL, answer_media_type = NULL, answer_body = NULL
    WHERE id IN (
        SELECT id FROM orders
        WHERE created_at < now() - make_interval(hours => :keys_kept_h)
          AND updated_at < now() - make_interval(hours => :keys_kept_h)
          AND idempotency_key IS NOT NULL AND answer_status IS NOT NULL
          AND status IN ('confirmed', 'rejected', 'cancelled')
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    RETURNING id
""")

SNOOZE = text(
    "UPDATE orders SET due_at = now() + make_interval(secs => :due_in_s) WHERE id = :id AND version = :version"
)
