"""The background threads of the process: one sends mails, one settles what requests have left open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from shared.domain.errors import ShopError

log = logging.getLogger(__name__)

STOP_WITHIN_S = 5.0


class Loop:
    """Runs its steps when woken, and once in `sweep_interval_s` in any case: what a crash left wakes nobody.

    A step returns True if there may be more to do at once. After a wake-up the loop lingers, so that
    what comes shortly after it is done in the same batch.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Callable[[], bool]],
        *,
        sweep_interval_s: float,
        wake: threading.Event | None = None,
        linger_s: float = 0.0,
    ) -> None:
        self._steps, self._sweep_interval_s, self._linger_s = steps, sweep_interval_s, linger_s
        self._wake = wake or threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Let the step at hand finish, start no other."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._wake.wait(self._sweep_interval_s):
                time.sleep(self._linger_s)
                self._wake.clear()
            for step in self._steps:
                self._repeat(step)

    def _repeat(self, step: Callable[[], bool]) -> None:
        try:
            while not self._stopping.is_set() and step():
                pass
        except ShopError as error:
            log.warning("%s: %s", self._thread.name, error.detail)
        except Exception:  # whatever it was: the next sweep tries again
            log.exception("%s failed", self._thread.name)
