"""Waking up on time: gevent's timers are good to a millisecond only, which a latency of three would notice."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

import gevent
from gevent import hub

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
_NANOSECONDS = 1_000_000_000
# Below this a timer costs more than it saves: go on at once.
_SHORTEST_S = 20e-6


class Alarm:
    """Sleeps to within some tens of microseconds on Linux (timerfd), to within a millisecond elsewhere.

    Spinning would be as exact, but it would look like a saturated generator.
    """

    def __init__(self) -> None:
        self._file: int | None = None
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            descriptor = int(self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC))
            if descriptor >= 0:
                self._file = descriptor
                self._watcher = hub.get_hub().loop.io(descriptor, 1)

    def sleep(self, seconds: float) -> None:
        """Let the other greenlets run for this long; without a wait they get one turn."""
        if self._file is None or seconds < _SHORTEST_S:
            gevent.sleep(max(seconds, 0.0))
            return
        whole, fraction = divmod(int(seconds * _NANOSECONDS), _NANOSECONDS)
        # struct itimerspec: interval (none), then the first expiry, each in seconds and nanoseconds
        setting = struct.pack("@llll", 0, 0, whole, fraction)
        if self._libc.timerfd_settime(self._file, 0, setting, None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")
        hub.get_hub().wait(self._watcher)
        os.read(self._file, 8)

    def close(self) -> None:
        """Give the timer back."""
        if self._file is not None:
            self._watcher.stop()
            self._watcher.close()
            os.close(self._file)
            self._file = None
