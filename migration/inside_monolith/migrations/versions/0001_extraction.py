"""Which modules are extracted, the events that they are told, and the orders that several commits place."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

# Once the monolith had these tables itself, with `modules` for `extraction`: they are taken over.
TAKEN_OVER = """
DO $$
BEGIN
    IF to_regclass('modules') IS NOT NULL THEN
        ALTER TABLE modules RENAME TO extraction;
        ALTER TABLE extraction RENAME COLUMN moved_out TO extracted;
    END IF;
END $$;
"""

EXTRACTION = """
CREATE TABLE IF NOT EXISTS extraction (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    extracted text[] NOT NULL DEFAULT '{}',
    closing_until timestamptz -- until then no gate opens
);
INSERT INTO extraction DEFAULT VALUES ON CONFLICT DO NOTHING;
"""

EVENTS = """
CREATE TABLE IF NOT EXISTS outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS inbox (
    event_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS inbox_by_age ON inbox (received_at);
"""

# What is needed to carry an order on after a crash, whose catalog is a service: `wanted` are its lines and the expected
# total as they came, and `due_at` is when the recovery takes it; also its lease.
SAGAS = """
CREATE TABLE IF NOT EXISTS sagas (
    order_id uuid PRIMARY KEY,
    payment_method text NOT NULL,
    wanted jsonb NOT NULL,
    due_at timestamptz
);
CREATE INDEX IF NOT EXISTS sagas_due ON sagas (due_at) WHERE due_at IS NOT NULL;
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
    for statements in (TAKEN_OVER, EXTRACTION, EVENTS, SAGAS, VIEW):
        op.execute(statements)
