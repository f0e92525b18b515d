"""What is old can be found by its age, so that it can be forgotten."""

from alembic import op

from microservices.kit.inbox import INDEX_INBOX

revision = "0003"
down_revision = "0002"

INDEX_KEYS = """
CREATE INDEX orders_with_key_by_age ON orders (created_at)
WHERE idempotency_key IS NOT NULL AND answer_status IS NOT NULL"""


def upgrade() -> None:
    """Add the indexes; a version before this one does not mind them."""
    op.execute(INDEX_KEYS)
    op.execute(INDEX_INBOX)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP INDEX inbox_by_age, orders_with_key_by_age")
