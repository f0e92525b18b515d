"""Forgets what nobody can ask for any more: a batch of each table at a time, by the database's clock."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import TextClause, text

from microservices.kit.database import Database
from microservices.kit.settings import ServiceSettings
from shared.platform.pruning import BATCH, LOCK, PAUSE_S

log = logging.getLogger(__name__)

_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock) AS is_ours")


class Pruner:
    """Runs statements that forget `:batch` rows, older than `:keys_kept_h` or `:inbox_kept_h`, and return them."""

    def __init__(self, database: Database, settings: ServiceSettings) -> None:
        self._database = database
        self._values = {"keys_kept_h": settings.keys_kept_h, "inbox_kept_h": settings.inbox_kept_h, "batch": BATCH}
        self.statements: list[TextClause] = []

    async def step(self) -> bool:
        """Forget one batch of each; return whether there may be more, after a pause for the others."""
        forgotten = [0]
        for statement in self.statements:
            async with self._database.transaction() as connection:
                # Else another replica does it, or a module is being copied.
                if (await connection.execute(_ALONE, {"lock": LOCK})).scalar_one():
                    forgotten.append(len((await connection.execute(statement, self._values)).all()))
        if sum(forgotten):
            log.info("%d rows are forgotten", sum(forgotten))
        if max(forgotten) < BATCH:
            return False
        await asyncio.sleep(PAUSE_S)
        return True
