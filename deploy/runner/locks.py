"""Statements that lock whole tables of a database that is in use: they try again, so that others need not wait long."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_S = 0.1


def retry_on_lock(act: Callable[[], object], within_s: float) -> None:
    """Do something until nobody holds what it locks. It sets a lock timeout, and leaves nothing half done.

    Raises psycopg.errors.LockNotAvailable or DeadlockDetected when it still met a lock after `within_s`.
    """
    import psycopg  # noqa: PLC0415  (only needed here, and not light)

    give_up_at = time.monotonic() + within_s
    while True:
        try:
            act()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if time.monotonic() > give_up_at:
                raise
            time.sleep(PAUSE_S)
        else:
            return
