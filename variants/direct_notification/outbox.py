"""An outbox whose rows may be held back: while a call tells an event, the event waits, as the call's fallback."""

from __future__ import annotations

from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.outbox import Outbox

# The plain build's relay does not mind the column: an event that leaves beside its call is told twice, which is safe.
_ADD_COLUMN = text("ALTER TABLE outbox ADD COLUMN IF NOT EXISTS not_before timestamptz")
_TAKE_OUT = text("DELETE FROM outbox WHERE id = :id")
_LET_GO = text("UPDATE outbox SET not_before = NULL WHERE id = :id")


class HoldingOutbox(Outbox):
    """Leaves rows alone until their `not_before`, where they have one."""

    unsent = text(
        "SELECT id, type, payload FROM outbox WHERE sequence IS NULL AND (not_before IS NULL OR not_before <= now()) "
        "ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED"
    )

    async def take_out(self, row_id: int) -> None:
        """A row that was held need not leave: a call has told it. Raises Unavailable or OutcomeUnknown."""
        await self._database.write(_TAKE_OUT, {"id": row_id})

    async def let_go(self, row_id: int) -> None:
        """A row that was held leaves now: the call that should have told it failed. Raises as `take_out`."""
        await self._database.write(_LET_GO, {"id": row_id})
        self.wake.set()


async def add_column(database: Database) -> None:
    """Give the outbox of a service the column that this takes."""
    await database.write(_ADD_COLUMN)
