"""A message remembers the span that caused it, where that is recorded: a mail is sent long after its request."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column: null where nothing is recorded."""
    op.execute("ALTER TABLE notifications ADD COLUMN traceparent text")
