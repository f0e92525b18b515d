"""Open arrivals divided over the processes of a Locust test: who sends which share, and the figures put together.

Every process that has an OpenArrivals user joins. Once all users are there, the master numbers those that joined and
names a common start; the process with number i of n sends arrivals i, i+n, i+2n ... of the one schedule that the seed
gives, so that together they send exactly what one process would. The start is named in each process's own time: before,
the master asks each what time it is (see clocks.py). Without workers, Locust's local runner passes the same messages to
itself.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from gevent.event import AsyncResult

from loadtests.load.generator import machine, profile
from loadtests.load.generator.open_loop import OpenLoop, Schedule
from loadtests.load.generator.watch import CpuWatch
from loadtests.load.users.clocks import answer_for_the_time
from loadtests.load.users.recorder import Recorder

JOIN, BEGIN, FIGURES, FINISHED = "arrivals_join", "arrivals_begin", "arrivals_figures", "arrivals_done"


@dataclass(frozen=True)
class Share:
    """What one process sends. `starts_at` is on its clock of `time.perf_counter`."""

    schedule: Schedule
    share: int
    shares: int
    starts_at: float
    max_in_flight: int


class ArrivalsWorker:
    """The side of a process that sends."""

    def __init__(self, environment: Any) -> None:
        self._runner = environment.runner
        self._runner.register_message(BEGIN, self._on_begin)
        answer_for_the_time(self._runner)
        environment.events.test_start.add_listener(self._on_test_start)
        self._claimed = False
        self._begin: AsyncResult[dict[str, Any]] = AsyncResult()
        self._watch = CpuWatch()
        self._sending: tuple[OpenLoop, Recorder] | None = None

    def claim(self) -> bool:
        """Return True to the first user that asks in a test: it sends for its process."""
        claimed, self._claimed = self._claimed, True
        return not claimed

    def take(self) -> Share:
        """Join, wait until all have joined, and return this process's share."""
        self._runner.send_message(JOIN)
        begin = self._begin.get()
        measured = profile.parse(begin["profile"])
        return Share(
            schedule=profile.due_times(measured, begin["arrivals"], begin["seed"]),
            share=begin["share"],
            shares=begin["shares"],
            starts_at=time.perf_counter() + begin["starts_at"] - time.time(),
            max_in_flight=begin["max_in_flight"],
        )

    def sending(self, loop: OpenLoop, recorder: Recorder, share: Share) -> None:
        """Say that sending begins, so that figures can be handed in."""
        machine.allow_open_files(share.max_in_flight)
        machine.calm_garbage_collection()
        recorder.origin = share.starts_at
        self._sending = loop, recorder
        self._watch.start()

    def hand_in(self) -> None:
        """Send the figures since the last time to whoever puts them together."""
        if self._sending is None:
            return
        loop, recorder = self._sending
        self._watch.stop()
        tally, orders = recorder.take()
        effort = {
            "progress": asdict(loop.progress),
            "cpu_share": self._watch.mean,
            "cpu_share_max": self._watch.highest,
        }
        self._runner.send_message(FIGURES, {"tally": tally.encode(), "orders": dict(orders), "effort": effort})

    def finish(self) -> None:
        """Hand in, and say that everything has been sent and answered."""
        self.hand_in()
        self._runner.send_message(FINISHED)

    def _on_test_start(self, **_event: Any) -> None:
        self._claimed = False
        self._begin = AsyncResult()
        self._watch = CpuWatch()
        self._sending = None

    def _on_begin(self, msg: Any, **_event: Any) -> None:
        self._begin.set(msg.data)
