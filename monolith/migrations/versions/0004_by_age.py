"""Old keys can be found by their age, so that they can be forgotten; their orders stay, without a key."""

from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    """Add the index; a version before this one does not mind it."""
    op.execute("CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)")
    op.execute("ALTER TABLE orders ALTER COLUMN idempotency_key DROP NOT NULL")


def downgrade() -> None:
    """Drop the index. Orders without a key stay."""
    op.execute("DROP INDEX idempotency_keys_by_age")
