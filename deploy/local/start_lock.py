"""Tells a stack that is just being started, whose supervisor has not said yet where it is, from one that is down."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

FILE = "starting.lock"
TRIES = 5  # whoever only looks has it for a moment, too
PAUSE_S = 0.02


class StartLock:
    """Held by the program that starts a stack; the system gives it back if that dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Return whether it is ours now; False if somebody else is starting the stack."""
        lock = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        for _ in range(TRIES):
            if _lock(lock, fcntl.LOCK_EX):
                self.release()
                self._descriptor = lock
                return True
            time.sleep(PAUSE_S)
        os.close(lock)
        return False

    def release(self) -> None:
        """The stack can be asked now how far it is, or is not started after all."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_held_by_another(self) -> bool:
        """Whether somebody else is starting the stack."""
        if self._descriptor is not None or not self._path.exists():
            return False
        lock = os.open(self._path, os.O_RDONLY)
        try:
            return not _lock(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)


def _lock(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
