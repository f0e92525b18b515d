"""A Locust user that sends one request of a journey, judges the answer and keeps it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from gevent import GreenletExit
from locust import FastHttpUser
from locust.exception import StopTest

from loadtests.load.generator.answering_versions import HEADER
from loadtests.load.generator.connections import client_pool
from loadtests.load.generator.record import FAILED
from loadtests.load.users.journeys import Journeys, Request
from loadtests.load.users.judgement import Judgement, judge
from loadtests.load.users.options import shop_address
from loadtests.load.users.recorder import Exchange, Recorder
from loadtests.load.users.stage import Stage, set_stage
from loadtests.load.users.world import WorldNotReady

logger = logging.getLogger(__name__)

# Longer than the edge's deadline of 8 s, so that the edge's own answer is seen.
TIMEOUT_S = 20.0
TRACERESPONSE = "traceresponse"


class ShopUser(FastHttpUser):
    """Base of all users. The first user of a test sets the stage for all of its process."""

    abstract = True
    host = shop_address("monolith")
    stage: ClassVar[Stage | None] = None
    still_open: ClassVar[dict[str, list[float]]] = {}  # by row: how long, in s, when the test ended

    def __init__(self, environment: Any) -> None:
        self.host = self.address(environment)
        self.client_pool = client_pool(self.host, concurrency=self.concurrency, timeout_s=TIMEOUT_S)
        super().__init__(environment)
        if ShopUser.stage is None:
            try:
                ShopUser.stage = set_stage(self.host, environment.parsed_options)
            except WorldNotReady as error:
                raise StopTest(str(error)) from error
        self.journeys: Journeys = ShopUser.stage.journeys
        self.recorder: Recorder = ShopUser.stage.recorder
        self.numbers = ShopUser.stage.numbers

    @classmethod
    def address(cls, environment: Any) -> str:
        """Return the shop's address: the option --shop, else Locust's host, else the local monolith."""
        options = environment.parsed_options
        address = shop_address(options.shop) if options is not None and options.shop else environment.host
        return str(address or cls.host).rstrip("/")

    @staticmethod
    def clear_stage(**_event: Any) -> None:
        """Forget the stage: the next test may have another host. A listener of Locust's `test_start`."""
        ShopUser.stage = None
        ShopUser.still_open.clear()

    @staticmethod
    def report_still_open(**_event: Any) -> None:
        """Say which requests had no answer when the test ended: Locust's tables leave them out. For `test_stop`."""
        for row, waited_s in ShopUser.still_open.items():
            logger.warning("%s: %d still open at the end, for %.1f s at most", row, len(waited_s), max(waited_s))

    def perform(self, request: Request, index: int, due_at: float | None = None) -> Judgement:
        """Send `request` now. Locust is told the latency from `due_at`, or from the send in a closed loop."""
        sent_at = time.perf_counter()
        intended = sent_at if due_at is None else due_at
        try:
            judgement, status, content, answered_at, version, trace = self._send(request, intended)
        except GreenletExit:  # the test ends while the answer is still open
            given_up, now = Judgement("unanswered", "given_up"), time.perf_counter()
            self.recorder.keep(Exchange(index, request, intended, sent_at, now, 0, b"", given_up))
            self.still_open.setdefault(f"{request.method} {request.name}", []).append(now - intended)
            raise
        exchange = Exchange(index, request, intended, sent_at, answered_at, status, content, judgement, version, trace)
        self.recorder.keep(exchange)
        if judgement.outcome == "ok":
            self.journeys.succeeded(request, judgement.code, judgement.order_id)
        return judgement

    def _send(self, request: Request, intended: float) -> tuple[Judgement, int, bytes, float, str, str]:
        with self.client.request(
            request.method,
            request.path,
            name=request.name,
            data=request.payload,
            headers=request.headers,
            catch_response=True,
        ) as response:
            answered_at = time.perf_counter()
            content = bytes(response.content or b"")
            trace = trace_of(response.headers)
            judgement = judge(request, response.status_code, content)
            if judgement.outcome == "unanswered":
                judgement = Judgement("unanswered", f"no_answer: {type(response.error).__name__}")
            response.request_meta["response_time"] = (answered_at - intended) * 1000
            if judgement.outcome in FAILED:
                response.failure(f"{response.status_code} {judgement.code}")
            else:
                response.success()
            version = "" if self.recorder.versions is None else str((response.headers or {}).get(HEADER) or "")
        return judgement, response.status_code, content, answered_at, version, trace


def trace_of(headers: Mapping[str, str] | None) -> str:
    """Return the id of the request's trace, if it is kept: the shop tells it in the W3C header `traceresponse`."""
    fields = (headers or {}).get(TRACERESPONSE, "").split("-")
    return fields[1] if len(fields) == 4 and fields[3] == "01" else ""
