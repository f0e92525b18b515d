"""What is old can be found by its age, so that it can be forgotten."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the indexes; a version before this one does not mind them."""
    op.execute("CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)")
    op.execute("CREATE INDEX inbox_by_age ON inbox (received_at)")


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX idempotency_keys_by_age, inbox_by_age")
