"""The wall clock of a process, which a fault can set wrong (`CLOCK_OFF_S`, local mode only).

It is used for tokens, signatures and times that are shown. Leases, windows and ages use the database's clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

_off_s: float = 0.0


def set_off(off_s: float, *, local_mode: bool) -> None:
    """Let this process' clock be wrong by so many seconds. Raises ValueError outside local mode."""
    global _off_s  # noqa: PLW0603  (one process, one clock)
    if off_s and not local_mode:
        raise ValueError("a wrong clock is refused outside local mode: unset CLOCK_OFF_S")
    _off_s = off_s


def now_s() -> float:
    """Return the seconds since the epoch, as this process believes them to be."""
    return time.time() + _off_s


def now() -> datetime:
    """Return the time in UTC, as this process believes it to be."""
    return datetime.fromtimestamp(now_s(), UTC)
