"""How late an event loop is, for a gauge: what blocks the loop of a service makes all its requests wait."""

from __future__ import annotations

import asyncio
import contextlib
import time

EVERY_S = 0.1
FOR_S = 60.0  # nobody has read for so long: stop measuring


class LoopLag:
    """How late the event loop is: the longest that something which was due had to wait. Measured while it is read."""

    def __init__(self) -> None:
        self._worst_s = 0.0
        self._until = 0.0
        self._watch: asyncio.Task[None] | None = None

    def read(self) -> float:
        """Return the worst since the last reading, in seconds; 0 at the first, and away from the loop."""
        self._until = time.monotonic() + FOR_S
        if self._watch is None or self._watch.done():
            with contextlib.suppress(RuntimeError):
                self._watch = asyncio.get_running_loop().create_task(self._measure())
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s

    def stop(self) -> None:
        """Measure no more."""
        if self._watch is not None:
            self._watch.cancel()

    async def _measure(self) -> None:
        while (began := time.monotonic()) < self._until:
            await asyncio.sleep(EVERY_S)
            self._worst_s = max(self._worst_s, time.monotonic() - began - EVERY_S)
