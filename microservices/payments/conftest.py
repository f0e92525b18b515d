"""The payments service on a real database, in front of a provider that keeps a ledger and fails as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from microservices.kit.broker import Broker
from microservices.kit.database import Database
from microservices.kit.migrate import migrate
from microservices.kit.outbox import Outbox
from microservices.kit.peers import Peer
from microservices.payments.charges import Charges, Provider
from microservices.payments.config import PaymentsSettings
from microservices.payments.refund_for_admin import refund_for_admin
from microservices.payments.refunds import Refunds
from microservices.payments.webhooks import Webhooks
from shared.contract.bodies import MoneyBody, RefundInput
from shared.contract.inner import ChargeInput, ChargeResult
from shared.contract.parsing import Keyed
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics


class Ledger:
    """The provider. `trouble`: away | silent (it does the work, but nobody hears of it) | lost (it does nothing) |
    refuses (it owes nothing, by its own ledger).

    `hold()` makes the next call wait: the first event tells that it has come, the second one lets it go.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.decline = False
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, int] = {}
        self.calls: list[str] = []
        self._held: tuple[asyncio.Event, asyncio.Event] | None = None

    def hold(self) -> tuple[asyncio.Event, asyncio.Event]:
        self._held = asyncio.Event(), asyncio.Event()
        return self._held

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url.path)
        if self._held:
            (come, go), self._held = self._held, None
            come.set()
            await go.wait()
        if self.trouble == "away":
            raise httpx.ConnectError("connection refused")
        if self.trouble == "lost":
            raise httpx.ReadTimeout("no answer")
        if self.trouble == "refuses":
            return httpx.Response(409, json={"code": "refund_exceeds_capture"})
        answer = self._do(request)
        if self.trouble == "silent":
            raise httpx.ReadTimeout("no answer")
        return answer

    def _do(self, request: httpx.Request) -> httpx.Response:
        _, _, merchant, _, *rest = request.url.path.split("/")
        assert (merchant, request.headers["Authorization"]) == ("shop", "Bearer key-shop")
        body = json.loads(request.content or b"{}")
        if not rest:
            status = "declined" if self.decline else "captured"
            charge = self.charges.setdefault(body["key"], {"status": status, "amount": body["amount"]})
            return httpx.Response(200, json=charge)
        if rest[1] == "void":
            return httpx.Response(200, json=self.charges.setdefault(rest[0], {"status": "voided", "amount": 0}))
        self.refunds[body["refund_key"]] = body["amount"]
        return httpx.Response(200, json={"status": "refunded"})


class Stage:
    """The service's parts, and the ledger of its provider."""

    def __init__(self, url: str) -> None:
        self.settings = PaymentsSettings(
            twinshop_mode="local", database_url=url, service_public_keys="-", recovery_after_s=0.0,
            provider_url="http://provider", provider_merchant="shop", provider_api_key="key-shop",
            webhook_secret="s3",  # noqa: S106
        )  # fmt: skip
        self.ledger = Ledger()
        self.metrics = metrics = Metrics()
        self.database = Database(url, 8, metrics, "test")
        self.peer = Peer(
            "provider",
            "http://provider",
            deadline_s=2,
            metrics=metrics,
            authorization="Bearer key-shop",
            transport=httpx.MockTransport(self.ledger.answer),
        )
        provider = Provider(self.peer, "shop")
        self.outbox = outbox = Outbox(self.database, Broker("nats://nowhere", "test"), metrics)
        self.charges = Charges(self.database, outbox, provider, self.settings, metrics)
        self.refunds = Refunds(self.database, outbox, provider, self.settings, metrics)
        self.webhooks = Webhooks(self.charges, self.refunds, self.settings, metrics)

    async def charge(self, order_id: str | None = None, amount: int = 1000) -> ChargeResult:
        body = ChargeInput(
            order_id=order_id or new_id(),
            payment_id=new_id(),
            customer_id="ada",
            amount=MoneyBody(amount=amount),
            payment_method="pm_ok",
        )
        return await self.charges.charge(body)

    async def refund(self, payment_id: str, amount: int, key: str = "key-1") -> Any:
        body = RefundInput(amount=MoneyBody(amount=amount))
        return await refund_for_admin(self.refunds, "root", payment_id, Keyed(body, key, f"{payment_id}:{amount}"))

    async def row(self) -> Any:
        return (await self.database.read(text("SELECT * FROM v_payments ORDER BY payment_id")))[-1]

    async def events(self) -> list[str]:
        return [row.type for row in await self.database.read(text("SELECT type FROM outbox ORDER BY id"))]

    async def unfinished(self) -> set[str]:
        return {row.kind for row in await self.database.read(text("SELECT kind FROM v_unfinished"))} - {"outbox"}

    async def settle(self) -> None:
        """Let both loops go round once, with everything due."""
        await self.database.write(text("UPDATE payments SET due_at = now() WHERE due_at IS NOT NULL"))
        await self.database.write(text("UPDATE refunds SET due_at = now() WHERE due_at IS NOT NULL"))
        await self.charges.settle_due()
        await self.refunds.settle_due()


Scene = Callable[[Stage], Awaitable[Any]]


@pytest.fixture
def play(service_database_urls: dict[str, str]) -> Callable[[Scene], Any]:
    """Run a coroutine function on a fresh stage."""

    async def run(scene: Scene) -> Any:
        stage = Stage(service_database_urls["payments"])
        try:
            await migrate(stage.database, "microservices.payments")
            await stage.database.write(text("TRUNCATE payments, refunds, outbox, inbox, idempotency_keys"))
            return await scene(stage)
        finally:
            await stage.peer.close()
            await stage.database.close()

    return lambda scene: asyncio.run(run(scene))
