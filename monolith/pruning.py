"""Forgets what nobody can ask for any more: old keys of all modules, and events of the inbox that were long handled."""

from __future__ import annotations

import logging
import time

from sqlalchemy import TextClause, text

from monolith.database import Database
from shared.platform.pruning import BATCH, EVERY_S, LOCK

log = logging.getLogger(__name__)

_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")
# An answer that is stored is final. How long ago it was given, its order or refund knows: either may have waited for
# the provider for days. The order stays and has no key any more, so that the key may be used again.
_OLD = "now() - make_interval(hours => :keys_kept_h)"
_ORDER_KEYS = text(f"""
    WITH old AS (
        SELECT keys.owner, keys.key, orders.id FROM idempotency_keys AS keys JOIN orders ON orders.id = keys.resource_id
        WHERE keys.created_at < {_OLD} AND orders.updated_at < {_OLD} AND keys.status IS NOT NULL
          AND orders.status IN ('confirmed', 'rejected', 'cancelled')
        ORDER BY keys.created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ), freed AS (
        UPDATE orders SET idempotency_key = NULL FROM old WHERE orders.id = old.id
    )
    DELETE FROM idempotency_keys AS keys USING old WHERE keys.owner = old.owner AND keys.key = old.key
    RETURNING keys.key
""")  # noqa: S608  (constants of ours)
_OTHER_KEYS = text(f"""
    DELETE FROM idempotency_keys WHERE (owner, key) IN (
        SELECT owner, key FROM idempotency_keys AS keys
        WHERE created_at < {_OLD} AND status IS NOT NULL
          AND NOT EXISTS (SELECT FROM orders WHERE orders.id = keys.resource_id)
          AND NOT EXISTS (SELECT FROM refunds WHERE refunds.id = keys.resource_id
                          AND (refunds.status = 'pending' OR refunds.updated_at >= {_OLD}))
        ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING key
""")  # noqa: S608
_INBOX = text("""
    DELETE FROM inbox WHERE event_id IN (
        SELECT event_id FROM inbox WHERE received_at < now() - make_interval(hours => :inbox_kept_h)
        ORDER BY received_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ) RETURNING event_id
""")


class Pruner:
    """A step for a loop that sweeps often: it forgets one batch of each now and then, or each time while there is more.

    So a backlog of years takes its time, and holds up nothing else that the loop does.
    """

    def __init__(self, database: Database, *, keys_kept_h: int, inbox_kept_h: int) -> None:
        self._database = database
        self._values = {"keys_kept_h": keys_kept_h, "inbox_kept_h": inbox_kept_h, "batch": BATCH}
        self._next_at = 0.0

    def step(self) -> bool:
        """Forget what is due. Always returns False: what is left waits for the next sweep. Raises Unavailable."""
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + EVERY_S
            if self.forget() == BATCH:
                self._next_at = 0.0
        return False

    def forget(self) -> int:
        """Forget one batch of each kind and return how large the largest was. Raises Unavailable."""
        forgotten = [self._forget(statement) for statement in (_ORDER_KEYS, _OTHER_KEYS, _INBOX)]
        if sum(forgotten):
            log.info("%d rows are forgotten", sum(forgotten))
        return max(forgotten)

    def _forget(self, statement: TextClause) -> int:
        with self._database.transaction() as connection:
            if not connection.execute(_ALONE, {"lock": LOCK}).scalar_one():
                return 0  # another process does it, or a module is being copied
            return len(connection.execute(statement, self._values).all())
