"""What a monolith needs whose modules may leave it: which are out, and the events that it tells those."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

MODULES = """
CREATE TABLE modules (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    moved_out text[] NOT NULL DEFAULT '{}',
    closing_until timestamptz
);
INSERT INTO modules DEFAULT VALUES;
"""

OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
"""

# An order that several commits place, and not one transaction: what is needed to carry it on after a crash.
SAGAS = """
CREATE TABLE sagas (
    order_id uuid PRIMARY KEY,
    payment_method text NOT NULL,
    wanted jsonb NOT NULL,
    due_at timestamptz
);
CREATE INDEX sagas_due ON sagas (due_at) WHERE due_at IS NOT NULL;
ALTER TABLE orders ALTER COLUMN idempotency_key DROP NOT NULL;
"""

VIEW = """
CREATE OR REPLACE VIEW v_unfinished AS
    SELECT kind, id, state, extract(epoch FROM now() - since)::float8 AS age_s FROM (
        SELECT 'order' AS kind, id::text AS id, status AS state, created_at AS since FROM orders
            WHERE status IN ('placed', 'payment_pending', 'cancelling')
        UNION ALL SELECT 'payment', id::text, status, created_at FROM payments WHERE status = 'pending'
        UNION ALL SELECT 'refund', id::text, status, created_at FROM refunds WHERE status = 'pending'
        UNION ALL SELECT 'job', id::text, status, created_at FROM notifications WHERE status = 'queued'
        UNION ALL SELECT 'outbox', id::text, type, created_at FROM outbox
    ) AS open_work;
"""


def upgrade() -> None:
    """Add the tables, and count what is not told yet as unfinished."""
    for statements in (MODULES, OUTBOX, SAGAS, VIEW):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back while a module is out."""
    raise NotImplementedError
