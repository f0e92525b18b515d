"""Which modules are extracted, the events that they are told, and the orders that several commits place."""

from __future__ import annotations

from alembic import op

from shared.platform.migrations import create_index

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
"""


def upgrade() -> None:
    """Add the tables."""
    for statements in (TAKEN_OVER, EXTRACTION, EVENTS, SAGAS):
        op.execute(statements)
    create_index("inbox_by_age", "inbox (received_at)")  # of tables that may have been taken over full
    create_index("sagas_due", "sagas (due_at) WHERE due_at IS NOT NULL")
