"""The risk score of a charge: real CPU work whose cost can be set, so that one part can be made hot."""

from __future__ import annotations

import hashlib
import time


def risk_score(order_id: str, amount: int, work_ms: int) -> int:
    """Return a score from 0 to 99 that costs `work_ms` milliseconds of this thread's CPU time.

    CPU time and not wall time: a busy machine must not make the work smaller.
    The score depends on the arguments alone, so both builds score an order alike.
    """
    first = digest = hashlib.sha256(f"{order_id}:{amount}".encode()).digest()
    until = time.thread_time() + work_ms / 1000
    while work_ms and time.thread_time() < until:
        for _ in range(20):
            digest = hashlib.sha256(digest).digest()
    return first[0] % 100
