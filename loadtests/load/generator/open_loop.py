"""The open loop: each request leaves when it is due, one greenlet each, whatever became of those before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gevent
import numpy as np
from gevent.pool import Group
from numpy.typing import NDArray

from loadtests.load.generator.alarm import Alarm

# A generator that lags more than this is beyond its means: what it has missed is not sent, so that it ends in time.
LATEST_S = 1.0
# How soon `stop` is noticed where little is due.
LONGEST_SLEEP_S = 0.25

Send = Callable[[int, float], None]
Schedule = Sequence[float] | NDArray[np.float64]


@dataclass
class Progress:
    """Counters of a loop: due = sent + not_sent, and nothing is left out silently. `too_late` is part of not_sent."""

    due: int = 0
    sent: int = 0
    not_sent: int = 0
    too_late: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


class OpenLoop:
    """Calls `send(index, due_at)` in a new greenlet at each moment of a schedule.

    `due_at` is on the clock of `time.perf_counter`. At most `max_in_flight` are open at a time; what is due
    beyond that is counted as not sent, because sending it later would hide the very stall it shows.
    """

    def __init__(self, schedule: Schedule, send: Send, *, max_in_flight: int, share: int = 0, shares: int = 1) -> None:
        self.progress = Progress()
        self._indices = range(share, len(schedule), shares)
        self._schedule = schedule
        self._send = send
        self._max_in_flight = max_in_flight
        self._stopped = False
        self._open = Group()

    def run(self, starts_at: float | None = None) -> None:
        """Send everything when it is due. Returns when the last one has left, or after `stop`.

        `starts_at` is second 0 of the schedule, on the clock of `time.perf_counter`; now if absent.
        """
        alarm = Alarm()
        starts_at = time.perf_counter() if starts_at is None else starts_at
        try:
            for index in self._indices:
                due_at = starts_at + float(self._schedule[index])
                self._wait_until(due_at, alarm)
                if self._stopped:
                    return
                self._arrive(index, due_at)
        finally:
            alarm.close()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called before everything had left."""
        return self._stopped

    def stop(self) -> None:
        """Send nothing more; what is in flight goes on."""
        self._stopped = True

    def drain(self, timeout_s: float) -> int:
        """Wait for what is in flight, give the rest up, and return how many were given up."""
        self._open.join(timeout=timeout_s)
        open_count = len(self._open)
        self._open.kill()
        return open_count

    def _wait_until(self, due_at: float, alarm: Alarm) -> None:
        # When late, still give way once: an answer that waits to be read would look slow.
        alarm.sleep(min(due_at - time.perf_counter(), LONGEST_SLEEP_S))
        while not self._stopped and (left_s := due_at - time.perf_counter()) > 0:
            alarm.sleep(min(left_s, LONGEST_SLEEP_S))

    def _arrive(self, index: int, due_at: float) -> None:
        progress = self.progress
        progress.due += 1
        too_late = time.perf_counter() - due_at > LATEST_S
        if too_late or progress.in_flight >= self._max_in_flight:
            progress.not_sent += 1
            progress.too_late += too_late
            return
        progress.sent += 1
        progress.in_flight += 1
        progress.most_in_flight = max(progress.most_in_flight, progress.in_flight)
        self._open.add(gevent.spawn(self._one, index, due_at))

    def _one(self, index: int, due_at: float) -> None:
        try:
            self._send(index, due_at)
        finally:
            self.progress.in_flight -= 1
