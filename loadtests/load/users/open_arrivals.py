"""The open-loop user for Locust: requests arrive at a set rate, however slowly the shop answers."""

from __future__ import annotations

from typing import Any, ClassVar

import gevent
from locust import task
from locust.exception import StopUser

from loadtests.load.generator.open_loop import OpenLoop, Schedule
from loadtests.load.users.locust_worker import ArrivalsWorker
from loadtests.load.users.shop_user import TIMEOUT_S, ShopUser

# How long a test that is stopped waits for its last answers.
SETTLE_S = 2.0


class OpenArrivals(ShopUser):
    """One of these in a process sends everything that is due; more of them in the same process stay idle.

    With workers, start as many users as there are workers (`-u 4 --processes 4`): each sends its share of the rate.
    """

    part: ClassVar[ArrivalsWorker | None] = None
    open_loop: OpenLoop | None = None

    def __init__(self, environment: Any, max_in_flight: int | None = None) -> None:
        # FastHttpUser allows 10 requests at a time; the eleventh would wait, which is what open arrivals must not do.
        self.concurrency = max_in_flight or environment.parsed_options.max_in_flight
        super().__init__(environment)

    def loop(self, schedule: Schedule, *, max_in_flight: int, share: int = 0, shares: int = 1) -> OpenLoop:
        """Return the loop that sends this share of the schedule."""
        self.open_loop = OpenLoop(schedule, self.arrive, max_in_flight=max_in_flight, share=share, shares=shares)
        return self.open_loop

    def arrive(self, index: int, due_at: float) -> None:
        """Send the request of arrival number `index`."""
        self.perform(self.journeys.draw(index), index, due_at)

    @task
    def send_all_that_is_due(self) -> None:
        """Send this process's part of the schedule, then end the test."""
        if self.part is None or not self.part.claim():
            gevent.sleep(1)  # another user of this process sends
            return
        share = self.part.take()
        loop = self.loop(share.schedule, max_in_flight=share.max_in_flight, share=share.share, shares=share.shares)
        self.part.sending(loop, self.recorder, share)
        loop.run(starts_at=share.starts_at)
        loop.drain(TIMEOUT_S)
        self.part.done()
        raise StopUser

    def on_stop(self) -> None:
        """Wait for the last answers and hand the figures in; also when the test is stopped before its end."""
        if self.open_loop is not None and self.part is not None:
            self.open_loop.stop()
            self.open_loop.drain(SETTLE_S)
            self.part.hand_in()
