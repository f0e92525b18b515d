"""The shop: catalog, orders, payments, notifications, idempotency keys, and the views that reconcile them."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

CATALOG = """
CREATE TABLE products (
    sku text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    category text COLLATE "C" NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    currency text NOT NULL,
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || description)) STORED
);
CREATE INDEX products_by_category ON products (category, sku);
CREATE INDEX products_by_words ON products USING gin (search);
CREATE TABLE stock (
    sku text COLLATE "C" PRIMARY KEY REFERENCES products (sku),
    initial integer NOT NULL,
    restocked bigint NOT NULL DEFAULT 0,
    available bigint NOT NULL CHECK (available >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    sold bigint NOT NULL DEFAULT 0 CHECK (sold >= 0)
) WITH (fillfactor = 50);
CREATE TABLE reservations (
    order_id uuid,
    sku text COLLATE "C",
    quantity integer NOT NULL,
    status text NOT NULL,
    PRIMARY KEY (order_id, sku)
) WITH (fillfactor = 70);
"""

ORDERS = """
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    customer_id text NOT NULL,
    email text NOT NULL,
    status text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    lines jsonb NOT NULL,
    total bigint,
    currency text NOT NULL,
    payment_id uuid NOT NULL,
    reason text,
    idempotency_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_by_customer ON orders (customer_id, id);
CREATE TABLE idempotency_keys (
    owner text,
    key text,
    fingerprint text NOT NULL,
    resource_id uuid NOT NULL,
    status smallint,
    body bytea,
    media_type text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
) WITH (fillfactor = 70);
"""

PAYMENTS = """
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL UNIQUE,
    customer_id text NOT NULL,
    status text NOT NULL,
    reason text,
    amount bigint NOT NULL,
    currency text NOT NULL,
    payment_method text NOT NULL,
    risk integer,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX payments_pending ON payments (next_attempt_at) WHERE status = 'pending';
CREATE TABLE refunds (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments (id),
    provider_key text NOT NULL UNIQUE,
    origin text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    status text NOT NULL,
    requested_by text,
    idempotency_key text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_refunds_payment_id ON refunds (payment_id);
CREATE INDEX refunds_pending ON refunds (next_attempt_at) WHERE status = 'pending';
"""

NOTIFICATIONS = """
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    customer_id text NOT NULL,
    email text NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    message_id text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    CONSTRAINT notifications_once UNIQUE (order_id, kind)
);
CREATE INDEX notifications_by_customer ON notifications (customer_id, id);
CREATE INDEX notifications_queued ON notifications (next_attempt_at) WHERE status = 'queued';
"""

VIEWS = """
CREATE VIEW v_orders AS
    SELECT id AS order_id, customer_id, status, total,
        CASE WHEN total IS NOT NULL THEN currency END AS currency, payment_id, reason, idempotency_key,
        created_at, updated_at FROM orders;
CREATE VIEW v_payments AS
    SELECT payments.id AS payment_id, order_id, payments.status, payments.amount,
        CASE WHEN payments.status = 'captured' THEN payments.amount ELSE 0 END AS captured,
        coalesce(sum(refunds.amount), 0)::bigint AS refunded,
        coalesce(sum(refunds.amount) FILTER (WHERE origin = 'admin'), 0)::bigint AS refunded_by_admin, currency
    FROM payments LEFT JOIN refunds ON refunds.payment_id = payments.id AND refunds.status = 'refunded'
    GROUP BY payments.id;
CREATE VIEW v_stock AS SELECT sku, initial, restocked, available, reserved, sold FROM stock;
CREATE VIEW v_reservations AS SELECT order_id, sku, quantity, status FROM reservations;
CREATE VIEW v_notifications AS SELECT order_id, kind, status, message_id, customer_id FROM notifications;
CREATE VIEW v_unfinished AS
    SELECT kind, id, state, extract(epoch FROM now() - since)::float8 AS age_s FROM (
        SELECT 'order' AS kind, id::text AS id, status AS state, created_at AS since FROM orders
            WHERE status IN ('placed', 'payment_pending', 'cancelling')
        UNION ALL SELECT 'payment', id::text, status, created_at FROM payments WHERE status = 'pending'
        UNION ALL SELECT 'refund', id::text, status, created_at FROM refunds WHERE status = 'pending'
        UNION ALL SELECT 'job', id::text, status, created_at FROM notifications WHERE status = 'queued'
    ) AS open_work;
"""


def upgrade() -> None:
    """Make everything."""
    for statements in (CATALOG, ORDERS, PAYMENTS, NOTIFICATIONS, VIEWS):
        op.execute(statements)
