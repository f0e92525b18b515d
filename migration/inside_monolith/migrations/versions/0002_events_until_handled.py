"""Events stay in the outbox until all readers have handled them; what is not told yet counts as unfinished."""

from __future__ import annotations

from alembic import op

from microservices.kit.outbox import KEEP_OUTBOX

revision = "0002"
down_revision = "0001"

VIEW = """
CREATE OR REPLACE VIEW v_unfinished AS
    SELECT kind, id, state, extract(epoch FROM now() - since)::float8 AS age_s FROM (
        SELECT 'order' AS kind, id::text AS id, status AS state, created_at AS since FROM orders
            WHERE status IN ('placed', 'payment_pending', 'cancelling')
        UNION ALL SELECT 'payment', id::text, status, created_at FROM payments WHERE status = 'pending'
        UNION ALL SELECT 'refund', id::text, status, created_at FROM refunds WHERE status = 'pending'
        UNION ALL SELECT 'job', id::text, status, created_at FROM notifications WHERE status = 'queued'
        UNION ALL SELECT 'outbox', id::text, type, created_at FROM outbox WHERE sequence IS NULL
    ) AS open_work;
"""

FORGET_FINISHED = "DELETE FROM sagas WHERE due_at IS NULL"  # as is done from now on at the end of each order


def upgrade() -> None:
    """Add the number of a sent event. What a version before this one left is unsent, and is sent."""
    for statement in (*KEEP_OUTBOX, VIEW, FORGET_FINISHED):
        op.execute(statement)
