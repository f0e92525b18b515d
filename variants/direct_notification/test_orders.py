"""The others hear of an order before its customer does, and where they do not, an event tells them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from microservices.kit.broker import Broker
from microservices.kit.peers import Peer
from microservices.orders.cancel_order import cancel_order
from microservices.orders.conftest import ADA, PENDING, RESERVATION, Reply, Stage, hangs, is_away, opened, says
from variants.direct_notification.notifier import PATH, DirectNotifier
from variants.direct_notification.orders import DirectOrders
from variants.direct_notification.outbox import HoldingOutbox, add_column

HOLD_S = 60.0


async def shop_is_open(request: httpx.Request) -> httpx.Response:
    """A catalog that reserves, and hears of what becomes of the reservation."""
    return httpx.Response(200, json=RESERVATION if request.url.path.endswith("reservations") else {"status": "done"})


class DirectStage(Stage):
    """The stage of the plain service, with orders that are told by calls."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.catalog: Reply = shop_is_open
        self.notifications: Reply = says(200, {"status": "sent"})
        outbox = HoldingOutbox(self.database, Broker("nats://nowhere", "test"), self.metrics)
        transport = httpx.MockTransport(self._answer)
        notifications = Peer(
            "notifications", "http://notifications", deadline_s=3, metrics=self.metrics, transport=transport
        )
        notifier = DirectNotifier(outbox, self.peers[0], notifications, HOLD_S)
        catalog, payments = self.orders.catalog, self.orders.payments
        self.peers.append(notifications)
        self.orders = DirectOrders(self.database, outbox, catalog, payments, self.settings, notifier)

    async def leaving(self) -> list[str]:
        """Return the events that the relay would publish now."""
        now = text("SELECT type FROM outbox WHERE not_before IS NULL OR not_before <= now() ORDER BY id")
        return [row.type for row in await self.database.read(now)]


Scene = Callable[[DirectStage], Awaitable[Any]]
Play = Callable[[Scene], Any]
REFUNDED = says(200, {"status": "refunded", "amount": {"amount": 500}})


@pytest.fixture
def play(service_database_urls: dict[str, str]) -> Play:
    """Run a coroutine function on a fresh stage."""

    async def run(scene: Scene) -> Any:
        stage = DirectStage(service_database_urls["orders"])
        async with opened(stage):
            await add_column(stage.database)
            try:
                return await scene(stage)
            finally:  # the plain service's tests find its own tables
                await stage.database.write(text("ALTER TABLE outbox DROP COLUMN not_before"))

    return lambda scene: asyncio.run(run(scene))


def test_both_have_heard_before_the_customer_is_answered(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        answer = await stage.place()

        assert answer.status == 201
        assert stage.request_paths[2:] == [PATH, PATH]
        assert await stage.events() == []

    play(scene)


def test_they_hear_what_the_event_would_have_told(play: Play) -> None:
    messages: list[dict[str, Any]] = []

    async def listens(request: httpx.Request) -> httpx.Response:
        messages.append(json.loads(request.content))
        return httpx.Response(200, json={"status": "queued"})

    async def scene(stage: DirectStage) -> None:
        stage.notifications = listens

        await stage.place()

        (event,) = messages
        assert (event["type"], event["notify"], event["total"]["amount"]) == ("order.confirmed", True, 500)
        assert event["order_id"] == str((await stage.order()).id)

    play(scene)


@pytest.mark.parametrize("reply", [is_away, hangs, says(500, {}), says(503, {})])
@pytest.mark.parametrize("who", ["catalog", "notifications"])
def test_an_order_whose_call_fails_stands_and_its_event_leaves(play: Play, who: str, reply: Reply) -> None:
    async def fails_to_hear(request: httpx.Request) -> httpx.Response:
        return await (reply if request.url.path == PATH else shop_is_open)(request)

    async def scene(stage: DirectStage) -> None:
        setattr(stage, who, fails_to_hear)

        answer = await stage.place()

        assert answer.status == 201
        assert await stage.leaving() == ["order.confirmed"]

    play(scene)


def test_a_crash_during_the_calls_leaves_the_event_behind(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        called = asyncio.Event()

        async def never(request: httpx.Request) -> httpx.Response:
            if request.url.path == PATH:
                called.set()
                await asyncio.sleep(60)
            return await shop_is_open(request)

        stage.catalog = never

        placing = asyncio.create_task(stage.place())
        await called.wait()
        placing.cancel()

        assert await stage.leaving() == []  # not while the call may still be answered
        assert await stage.events() == ["order.confirmed"]

    play(scene)


def test_a_pending_payment_is_told_to_notifications_only(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        stage.payments = PENDING

        answer = await stage.place()

        assert answer.status == 202
        assert stage.request_paths[2:] == [PATH]
        assert await stage.events() == []

    play(scene)


def test_a_cancellation_is_told_by_calls_too(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        await stage.place()
        stage.payments, stage.request_paths = REFUNDED, []

        answer = await cancel_order(stage.orders, ADA, str((await stage.order()).id))

        assert answer.status == 200
        assert stage.request_paths[1:] == [PATH, PATH]
        assert await stage.events() == []

    play(scene)


def test_what_settles_without_a_customer_waiting_is_told_by_events(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        stage.payments = PENDING
        await stage.place()

        await stage.hear("payment.captured")

        assert (await stage.order()).status == "confirmed"
        assert await stage.leaving() == ["order.confirmed"]

    play(scene)


def test_a_rejection_is_never_told_by_a_call(play: Play) -> None:
    async def scene(stage: DirectStage) -> None:
        stage.payments = says(200, {"payment_id": "p", "status": "declined"})

        await stage.place()

        assert PATH not in stage.request_paths
        assert await stage.leaving() == ["order.rejected"]

    play(scene)
