"""The orders service on a real database, between a catalog and a payments service that do as a test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from microservices.kit.broker import Broker
from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from microservices.kit.outbox import Outbox
from microservices.kit.peers import Peer
from microservices.kit.web import Answer
from microservices.orders.clients import Catalog, Payments
from microservices.orders.config import OrdersSettings
from microservices.orders.place_order import place_order
from microservices.orders.recovery import Recovery
from microservices.orders.service import Orders
from microservices.orders.settle import on_payment_events
from shared.contract.bodies import LineInput, OrderInput
from shared.contract.events import PaymentEvent
from shared.contract.parsing import Keyed
from shared.contract.problems import problem_of_error
from shared.domain.errors import ShopError
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics
from shared.platform.tokens import Principal

ADA = Principal("ada", "ada@customers.example", frozenset({"customer"}))
MONEY = {"amount": 500, "currency": "EUR"}
RESERVATION = {
    "lines": [
        {"sku": "BREAD-1", "name": "Bread", "quantity": 2, "unit_price": {"amount": 250}, "line_total": {"amount": 500}}
    ],
    "total": MONEY,
}

Reply = Callable[[httpx.Request], Awaitable[httpx.Response]]


def says(status: int, body: Any) -> Reply:
    async def reply(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body)

    return reply


def refuses(error: ShopError) -> Reply:
    problem = problem_of_error(error, instance="", trace_id="")
    return says(problem.status, problem.body)


async def is_away(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


async def hangs(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


CAPTURED = says(200, {"payment_id": "p", "status": "captured"})
DECLINED = says(200, {"payment_id": "p", "status": "declined", "reason": "card_declined"})
PENDING = says(202, {"payment_id": "p", "status": "pending"})
RESERVED = says(200, RESERVATION)


class Stage:
    """`catalog`, `payments`, ...: what these services answer from now on. `request_paths`: what they were asked."""

    def __init__(self, url: str) -> None:
        self.settings = OrdersSettings(
            twinshop_mode="local", database_url=url, service_private_key="-", recovery_after_s=0.0
        )
        self.catalog: Reply = RESERVED
        self.payments: Reply = CAPTURED
        self.request_paths: list[str] = []
        metrics = Metrics()
        self.database = Database(url, 8, metrics, "test")
        self.peers = [
            Peer(name, f"http://{name}", deadline_s=3, metrics=metrics, transport=httpx.MockTransport(self._answer))
            for name in ("catalog", "payments")
        ]
        self.outbox = Outbox(self.database, Broker("nats://nowhere", "test"), metrics)
        self.metrics = metrics
        catalog, payments = Catalog(self.peers[0]), Payments(self.peers[1])
        self.orders = Orders(self.database, self.outbox, catalog, payments, self.settings)
        self.recovery = Recovery(self.orders, metrics)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.request_paths.append(request.url.path)
        return await getattr(self, request.url.host)(request)

    async def place(self, key: str = "key-1", sku: str = "BREAD-1") -> Answer:
        body = OrderInput(lines=[LineInput(sku=sku, quantity=2)], payment_method="pm_ok")
        return await place_order(self.orders, ADA, Keyed(body, key, f"fingerprint of {sku}"))

    async def crash_while_placing(self, key: str = "key-1") -> None:
        """Leave behind what a process leaves that dies right after the first commit."""
        body = OrderInput(lines=[LineInput(sku="BREAD-1", quantity=2)], payment_method="pm_ok")
        await self.orders.place(ADA, Keyed(body, key, "fingerprint of BREAD-1"))

    async def order(self) -> Any:
        return (await self.database.read(text("SELECT * FROM orders ORDER BY id")))[-1]

    async def events(self) -> list[str]:
        return [row.type for row in await self.database.read(text("SELECT type FROM outbox ORDER BY id"))]

    async def hear(self, what: str, origin: str | None = None) -> None:
        order_id = str((await self.order()).id)
        event = PaymentEvent(
            id=new_id(), type=what, occurred_at="", payment_id=new_id(), order_id=order_id, amount=MONEY, origin=origin
        )
        async with self.database.transaction() as connection:
            await on_payment_events(self.orders, connection, [event])

    async def make_due(self) -> None:
        await self.database.write(text("UPDATE orders SET due_at = now() WHERE due_at IS NOT NULL"))


Scene = Callable[[Stage], Awaitable[Any]]


@pytest.fixture
def play(service_database_urls: dict[str, str]) -> Callable[[Scene], Any]:
    """Run a coroutine function on a fresh stage."""

    async def run(scene: Scene) -> Any:
        stage = Stage(service_database_urls["orders"])
        async with opened(stage):
            return await scene(stage)

    return lambda scene: asyncio.run(run(scene))


@contextlib.asynccontextmanager
async def opened(stage: Stage) -> AsyncIterator[None]:
    """Have the stage's database at the newest version and empty."""
    try:
        await migrate(stage.database, "microservices.orders")
        await stage.database.write(text("TRUNCATE orders, outbox, inbox"))
        yield
    finally:
        for peer in stage.peers:
            await peer.close()
        await stage.database.close()
