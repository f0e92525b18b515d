"""Orders with their sagas, and the views that the reconciliation reads."""

from alembic import op

from microservices.kit.inbox import CREATE_INBOX
from microservices.kit.outbox import CREATE_OUTBOX

revision = "0001"
down_revision = None

ORDERS = """
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer_id text NOT NULL,
    email text NOT NULL,
    idempotency_key text,
    fingerprint text NOT NULL,
    status text NOT NULL,
    version int NOT NULL DEFAULT 1,
    payment_id uuid NOT NULL,
    payment_method text NOT NULL,
    wanted jsonb NOT NULL,
    lines jsonb NOT NULL DEFAULT '[]',
    total bigint,
    currency text,
    reason text,
    answer_status int,
    answer_media_type text,
    answer_body bytea,
    due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (customer_id, idempotency_key)
)"""
ORDERS_OF_CUSTOMER = "CREATE INDEX orders_of_customer ON orders (customer_id, id DESC)"
ORDERS_DUE = "CREATE INDEX orders_due ON orders (due_at) WHERE due_at IS NOT NULL"

V_ORDERS = """
CREATE VIEW v_orders AS
SELECT id AS order_id, customer_id, status, total, currency, payment_id, reason, idempotency_key,
       created_at, updated_at
FROM orders"""

V_UNFINISHED = """
CREATE VIEW v_unfinished AS
SELECT 'order' AS kind, id::text AS id, status AS state, extract(epoch FROM now() - created_at)::float8 AS age_s
FROM orders WHERE status IN ('placed', 'payment_pending', 'cancelling')
UNION ALL
SELECT 'outbox', id::text, type, extract(epoch FROM now() - created_at)::float8 FROM outbox"""


def upgrade() -> None:
    """Create everything."""
    for statement in (ORDERS, ORDERS_OF_CUSTOMER, ORDERS_DUE, CREATE_OUTBOX, CREATE_INBOX, V_ORDERS, V_UNFINISHED):
        op.execute(statement)
