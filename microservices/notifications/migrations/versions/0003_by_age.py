"""What is old can be found by its age, so that it can be forgotten."""

from microservices.kit.inbox import INDEX_INBOX
from shared.platform.migrations import create_index

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the indexes; a version before this one does not mind them."""
    create_index(*INDEX_INBOX)
