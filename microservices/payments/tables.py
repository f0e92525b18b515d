"""The tables of the payments service and the statements on its hot path."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.sql.selectable import TextualSelect

BATCH = 20  # so many are settled at a time
LONGEST_BACK_OFF_S = 5.0

metadata = MetaData()

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("order_id", Uuid(as_uuid=False), nullable=False, unique=True),
    Column("customer_id", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("captured", BigInteger, nullable=False),  # minor units that the provider took
    Column("refunded", BigInteger, nullable=False),  # minor units that surely went back
    Column("risk_score", Integer),
    Column("told_pending", Boolean, nullable=False),  # somebody was answered `pending`: an event must tell the end
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),  # when the loop takes it; also its lease. Database time.
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True),
    Column("payment_id", Uuid(as_uuid=False), nullable=False),
    Column("order_id", Uuid(as_uuid=False), nullable=False),
    Column("provider_key", Text, nullable=False, unique=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("subject", Text),  # who asked and under which key: where the final answer is stored
    Column("idempotency_key", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

# Whoever comes second (a retry, the saga's recovery) learns the state, and the row remembers that it was told.
RECORD = text("""
    INSERT INTO payments (id, order_id, customer_id, amount, currency, payment_method, status, risk_score, due_at)
    VALUES (:id, :order_id, :customer_id, :amount, :currency, :payment_method, 'pending', :risk_score,
            now() + make_interval(secs => :due_in_s))
    ON CONFLICT (order_id) DO UPDATE SET told_pending = true
    RETURNING id, order_id, amount, currency, payment_method, status, reason, xmax = 0 AS is_new
""").columns(payments.c.id, payments.c.order_id)

# A captured charge also overrules `declined` and `voided`: the money is gone, whatever we were told before.
# The event is only written if somebody is waiting for it: a request in flight gets the answer itself.
SETTLE = text("""
    WITH settled AS (
        UPDATE payments
        SET status = :status, reason = :reason, due_at = NULL, updated_at = now(),
            captured = CASE WHEN :status = 'captured' THEN amount ELSE 0 END
        WHERE order_id = :order_id
          AND (status = 'pending' OR (:status = 'captured' AND status IN ('declined', 'voided')))
        RETURNING told_pending
    ), told AS (
        INSERT INTO outbox (type, payload)
        SELECT :event_type, :payload FROM settled WHERE told_pending OR :tell
    )
    SELECT told_pending OR :tell AS has_event FROM settled
""")

# A refund may have waited for its provider for days: its answer is kept for as long as any other after that.
PRUNE_KEYS = text("""
    DELETE FROM idempotency_keys WHERE (subject, key) IN (
        SELECT subject, key FROM idempotency_keys AS keys
        WHERE created_at < now() - make_interval(hours => :keys_kept_h) AND status IS NOT NULL
          AND NOT EXISTS (
            SELECT FROM refunds WHERE refunds.subject = keys.subject AND refunds.idempotency_key = keys.key
              AND (refunds.status = 'pending' OR refunds.updated_at >= now() - make_interval(hours => :keys_kept_h))
          )
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING key
""")

# What surely never left is taken back. Not after a loop has taken it, which may have sent it; and not while a
# cancellation has counted on it: what this refund would have left is then nobody's.
UNDO_REFUND = text("""
    DELETE FROM refunds WHERE id = :id AND status = 'pending' AND attempts = 0 AND NOT EXISTS
        (SELECT FROM refunds AS other WHERE other.payment_id = refunds.payment_id AND other.origin <> 'admin')
    RETURNING id
""")


def _claim(table: Table) -> TextualSelect:
    """Return the statement that leases a batch of what is pending and due, for `:least_s` seconds or longer."""
    return text(f"""
        UPDATE {table}
        SET attempts = attempts + 1,
            due_at = now() + make_interval(secs => least({LONGEST_BACK_OFF_S}, greatest(:least_s, 2 ^ attempts)))
        WHERE id IN (
            SELECT id FROM {table} WHERE status = 'pending' AND due_at <= now()
            ORDER BY due_at LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        )
        RETURNING *, extract(epoch FROM now() - created_at)::float8 AS age_s
    """).columns(*table.c, Column("age_s", Float))  # noqa: S608  (names and numbers of ours)


CLAIM_PAYMENTS, CLAIM_REFUNDS = _claim(payments), _claim(refunds)
