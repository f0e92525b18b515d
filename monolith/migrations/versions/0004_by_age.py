"""Old keys can be found by their age, so that they can be forgotten; their orders stay, without a key."""

from alembic import op

from shared.platform.migrations import create_index

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    """Add the index; a version before this one does not mind it."""
    op.execute("ALTER TABLE orders ALTER COLUMN idempotency_key DROP NOT NULL")
    create_index("idempotency_keys_by_age", "idempotency_keys (created_at)")
