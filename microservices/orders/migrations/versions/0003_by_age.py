"""What is old can be found by its age, so that it can be forgotten."""

from microservices.kit.inbox import INDEX_INBOX
from shared.platform.migrations import create_index

revision = "0003"
down_revision = "0002"

INDEX_KEYS = (
    "orders_with_key_by_age",
    "orders (created_at) WHERE idempotency_key IS NOT NULL AND answer_status IS NOT NULL",
)


def upgrade() -> None:
    """Add the indexes; a version before this one does not mind them."""
    create_index(*INDEX_KEYS)
    create_index(*INDEX_INBOX)
