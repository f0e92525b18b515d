"""Forgets what nobody can ask for any more, a batch of each kind at a time. What is too old, each owner knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, text

from monolith.database import Database
from shared.platform import pruning
from shared.platform.pruning import EVERY_S, LOCK

log = logging.getLogger(__name__)

_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")

# Forgets at most so many rows in the caller's transaction, and returns how many they were.
Prune = Callable[[Connection, int], int]


class Pruner:
    """A step for a loop that sweeps often: it forgets one batch of each now and then, or each time while there is more.

    So a backlog of years takes its time, and holds up nothing else that the loop does.
    """

    def __init__(self, database: Database, prunes: Sequence[Prune]) -> None:
        self._database, self._prunes = database, prunes
        self._next_at = 0.0

    def step(self) -> bool:
        """Forget what is due. Always returns False: what is left waits for the next sweep. Raises Unavailable."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + EVERY_S
            if self.forget() == pruning.BATCH:
                self._next_at = 0.0
        return False

    def forget(self) -> int:
        """Forget one batch of each kind and return how large the largest was. Raises Unavailable."""
        forgotten = [self._forget(prune) for prune in self._prunes]
        if sum(forgotten):
            log.info("%d rows are forgotten", sum(forgotten))
        return max(forgotten)

    def _forget(self, prune: Prune) -> int:
        with self._database.transaction() as connection:
            if not connection.execute(_ALONE, {"lock": LOCK}).scalar_one():
                return 0  # another process does it
            return prune(connection, pruning.BATCH)
