"""Tombstones can be found by their age, so that they can be forgotten."""

from shared.platform.migrations import create_index

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the index; a version before this one does not mind it."""
    create_index("tombstones_by_age", "reservations (created_at) WHERE status = 'tombstone'")
