"""A key knows since when its answer is final: until then it may have waited for the provider for days."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column. Of older answers it is not known; they are kept as if they were given now."""
    op.execute("ALTER TABLE idempotency_keys ADD COLUMN finished_at timestamptz")
    op.execute("UPDATE idempotency_keys SET finished_at = now() WHERE status IS NOT NULL")
