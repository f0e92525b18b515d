"""Payments, refunds, and the views that the reconciliation reads."""

from alembic import op

from microservices.kit.idempotency import CREATE_KEYS
from microservices.kit.inbox import CREATE_INBOX
from microservices.kit.outbox import CREATE_OUTBOX

revision = "0001"
down_revision = None

PAYMENTS = """
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL UNIQUE,
    customer_id text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    payment_method text NOT NULL,
    status text NOT NULL,
    reason text,
    captured bigint NOT NULL DEFAULT 0,
    refunded bigint NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND captured),
    risk_score int,
    told_pending boolean NOT NULL DEFAULT false,
    attempts int NOT NULL DEFAULT 0,
    due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)"""
PAYMENTS_DUE = "CREATE INDEX payments_due ON payments (due_at) WHERE status = 'pending'"

REFUNDS = """
CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    order_id uuid NOT NULL,
    provider_key text NOT NULL UNIQUE,
    amount bigint NOT NULL CHECK (amount >= 0),
    currency text NOT NULL,
    origin text NOT NULL,
    status text NOT NULL,
    subject text,
    idempotency_key text,
    attempts int NOT NULL DEFAULT 0,
    due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)"""
REFUNDS_OF_PAYMENT = "CREATE INDEX refunds_of_payment ON refunds (payment_id)"
REFUNDS_DUE = "CREATE INDEX refunds_due ON refunds (due_at) WHERE status = 'pending'"

V_PAYMENTS = """
CREATE VIEW v_payments AS
SELECT p.id AS payment_id, p.order_id, p.status, p.amount, p.captured, p.refunded, p.currency,
       coalesce((SELECT sum(r.amount) FROM refunds r
                 WHERE r.payment_id = p.id AND r.status = 'refunded' AND r.origin = 'admin'), 0)::bigint
           AS refunded_by_admin
FROM payments p"""

V_UNFINISHED = """
CREATE VIEW v_unfinished AS
SELECT 'payment' AS kind, id::text AS id, status AS state, extract(epoch FROM now() - created_at)::float8 AS age_s
FROM payments WHERE status = 'pending'
UNION ALL
SELECT 'refund', id::text, status, extract(epoch FROM now() - created_at)::float8
FROM refunds WHERE status = 'pending'
UNION ALL
SELECT 'outbox', id::text, type, extract(epoch FROM now() - created_at)::float8 FROM outbox"""


def upgrade() -> None:
    """Create everything."""
    for statement in (
        PAYMENTS,
        PAYMENTS_DUE,
        REFUNDS,
        REFUNDS_OF_PAYMENT,
        REFUNDS_DUE,
        CREATE_OUTBOX,
        CREATE_INBOX,
        CREATE_KEYS,
        V_PAYMENTS,
        V_UNFINISHED,
    ):
        op.execute(statement)
