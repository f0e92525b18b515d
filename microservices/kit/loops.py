"""Loops beside the requests: a step every so often, and at once when woken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

MAX_BACK_OFF_S = 5.0


async def repeat(
    name: str, step: Callable[[], Awaitable[bool]], wake: asyncio.Event, every_s: float, linger_s: float = 0.0
) -> None:
    """Run `step` for ever: again at once while it returns True (there is more to do), else when `wake` is set or due.

    After a wake-up it lingers, so that what comes shortly after is done in the same step. What wakes it while the step
    runs makes it go round once more.

    A step that fails is logged and tried again with back-off: a database that is away must not end the loop.
    """
    failures = 0
    while True:
        try:
            more = await step()
            failures = 0
        except Exception:
            failures += 1
            log.warning("the loop %s failed (%d in a row)", name, failures, exc_info=failures == 1)
            await asyncio.sleep(back_off_s(failures, every_s))
            continue
        if not more:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await wake.wait()
            if wake.is_set():
                await asyncio.sleep(linger_s)
            wake.clear()


async def stop(*tasks: asyncio.Task[None]) -> None:
    """Return when the tasks have ended. nats-py may turn a cancellation into an error of its own: insist."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1.0)


def back_off_s(failures: int, first_s: float = 1.0) -> float:
    """Return the pause after so many failures in a row: doubling, five seconds at most."""
    return min(first_s * 2.0 ** min(failures - 1, 10), MAX_BACK_OFF_S)
