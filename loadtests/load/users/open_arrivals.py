"""The open-loop users for Locust: requests arrive at a set rate, however slowly the shop answers."""

from __future__ import annotations

import random
import time
from typing import Any, ClassVar, cast

import gevent
from gevent import GreenletExit
from locust.exception import StopUser

from loadtests.load.generator.open_loop import OpenLoop, Schedule
from loadtests.load.users.journeys import Request
from loadtests.load.users.judgement import Judgement
from loadtests.load.users.locust_worker import ArrivalsWorker
from loadtests.load.users.recorder import Exchange, Recorder
from loadtests.load.users.shop_user import TIMEOUT_S, ShopUser
from loadtests.load.users.traffic import Journey

# How long a test that is stopped waits for its last answers.
SETTLE_S = 2.0
ARRIVAL = "ARRIVAL"  # the method that Locust's tables show for a whole task, from when it was due


class OpenArrivalsMixin:
    """In front of any Locust user: its @tasks begin when they are due, each beside those that still run.

    One of these in a process sends everything that is due; more of them in the same process stay idle. With workers,
    start as many users as there are workers (`-u 4 --processes 4`): each sends its share of the rate. A task is drawn
    by its weight, from those that --tags leaves. Locust's tables get a row for each request, as always, and one named
    ARRIVAL for each task: from when it was due until it was done.
    """

    part: ClassVar[ArrivalsWorker | None] = None
    open_loop: OpenLoop | None = None
    recorder: Recorder
    tasks: list[Any]

    def __init__(self, environment: Any, max_in_flight: int | None = None) -> None:
        # FastHttpUser allows 10 requests at a time; the eleventh would wait, which is what open arrivals must not do.
        self.concurrency = max_in_flight or environment.parsed_options.max_in_flight
        super().__init__(environment)  # type: ignore[call-arg]
        # Locust's own loop gets one task, which sends; the user's own are those that --tags has left of the class.
        self.own_tasks, self.tasks = self.tasks, [type(self).send_all_that_is_due]
        if not hasattr(self, "recorder"):
            self.recorder = Recorder()
        self._environment = environment
        self._failed: dict[Any, BaseException] = {}  # by greenlet: what Locust was told of one of its requests
        environment.events.request.add_listener(self._on_request)

    def loop(self, schedule: Schedule, *, max_in_flight: int, share: int = 0, shares: int = 1) -> OpenLoop:
        """Return the loop that sends this share of the schedule."""
        self.open_loop = OpenLoop(schedule, self.arrive, max_in_flight=max_in_flight, share=share, shares=shares)
        return self.open_loop

    def arrive(self, index: int, due_at: float) -> None:
        """Run the task of arrival number `index`; the same seed draws the same task."""
        seed = self._environment.parsed_options.seed
        task = random.Random((seed << 40) | index).choice(self.own_tasks)
        sent_at, outcome = time.perf_counter(), Judgement("ok", "")
        failure: BaseException | None = None
        try:
            task(self)
        except GreenletExit:
            self._keep(task.__name__, index, due_at, sent_at, Judgement("unanswered", "given_up"))
            raise
        except Exception as error:
            failure = error
        failure = self._failed.pop(gevent.getcurrent(), None) or failure
        if failure is not None:
            outcome = Judgement("error", type(failure).__name__)
        took_ms = self._keep(task.__name__, index, due_at, sent_at, outcome)
        self._environment.events.request.fire(
            request_type=ARRIVAL, name=task.__name__, response_time=took_ms, response_length=0, exception=failure,
            context={},
        )  # fmt: skip

    def _keep(self, task: str, index: int, due_at: float, sent_at: float, outcome: Judgement) -> float:
        request = Request(cast("Journey", task), task, ARRIVAL, "")
        exchange = Exchange(index, request, due_at, sent_at, time.perf_counter(), 0, b"", outcome)
        self.recorder.keep(exchange)
        return exchange.latency_ms

    def _on_request(self, request_type: str, exception: BaseException | None = None, **_event: Any) -> None:
        if exception is not None and request_type != ARRIVAL:
            self._failed[gevent.getcurrent()] = exception

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
        self.part.finish()
        raise StopUser

    def on_stop(self) -> None:
        """Wait for the last answers and hand the figures in; also when the test is stopped before its end."""
        if self.open_loop is not None and self.part is not None:
            self.open_loop.stop()
            self.open_loop.drain(SETTLE_S)
            self.part.hand_in()


class OpenArrivals(OpenArrivalsMixin, ShopUser):
    """The shop's own: a mix of journeys, drawn by seed, whose answers are judged by their content."""

    def arrive(self, index: int, due_at: float) -> None:
        """Send the request of arrival number `index`."""
        self.perform(self.journeys.draw(index), index, due_at)
