"""No event is held back any more: whoever has that done (variants/direct_notification) brings its own column."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop the column; a version before this one needs it, so that none may run beside."""
    op.execute("ALTER TABLE outbox DROP COLUMN not_before")
