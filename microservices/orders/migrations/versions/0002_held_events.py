"""Events may be held back while a call tells them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the time before which an event does not leave; a version before this one does not mind it."""
    op.execute("ALTER TABLE outbox ADD COLUMN not_before timestamptz")
