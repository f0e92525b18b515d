"""A key counts for one operation, so that the same word may stand for an order, a refund and a restock.

What a replica of the version before writes meanwhile counts as an order's: admins wait until the last of them is gone.
"""

from alembic import op

from shared.platform.migrations import create_index

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column. A key of before is a refund's or an order's if it has made one; else it has restocked."""
    with op.get_context().autocommit_block():  # the table's lock is not kept while rows are looked through
        op.execute(
            "ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS operation text NOT NULL DEFAULT 'place_order'"
        )
        op.execute("UPDATE idempotency_keys SET operation = 'refund' FROM refunds WHERE refunds.id = resource_id")
        op.execute(
            "UPDATE idempotency_keys SET operation = 'restock' WHERE operation = 'place_order' "
            "AND NOT EXISTS (SELECT FROM orders WHERE orders.id = resource_id)"
        )
    _take_as_primary_key("owner, key, operation")


def _take_as_primary_key(columns: str) -> None:
    create_index("idempotency_keys_unique", f"idempotency_keys ({columns})", "UNIQUE INDEX")
    op.execute("""
        ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_pkey,
        ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY USING INDEX idempotency_keys_unique
    """)
