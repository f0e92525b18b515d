"""Events stay in the outbox until all readers have handled them."""

from alembic import op

from microservices.kit.outbox import KEEP_OUTBOX

revision = "0004"
down_revision = "0003"

V_UNFINISHED = """
CREATE OR REPLACE VIEW v_unfinished AS
SELECT 'order' AS kind, id::text AS id, status AS state, extract(epoch FROM now() - created_at)::float8 AS age_s
FROM orders WHERE status IN ('placed', 'payment_pending', 'cancelling')
UNION ALL
SELECT 'outbox', id::text, type, extract(epoch FROM now() - created_at)::float8 FROM outbox WHERE sequence IS NULL"""


def upgrade() -> None:
    """Add the number of a sent event. A version before this one would send what is kept once more, which is safe."""
    for statement in (*KEEP_OUTBOX, V_UNFINISHED):
        op.execute(statement)
