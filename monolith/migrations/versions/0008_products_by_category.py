"""How many products each category has is kept, and no longer counted for each answer."""

from alembic import op

from shared.platform.migrations.categories import COUNT_BY_CATEGORY

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table and what keeps it; a version before this one does not mind them."""
    for statement in COUNT_BY_CATEGORY:
        op.execute(statement)
