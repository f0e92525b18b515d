"""The monolith on a real database, beside a provider that does as a test says: for the tests beside its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from monolith.app import create_app
from monolith.config import Settings
from monolith.database import Database
from monolith.modules import Connections, Modules, build_modules, connect
from shared.domain.errors import Unauthenticated
from shared.domain.ids import new_id
from shared.platform.tokens import Principal

TABLES = "products, stock, reservations, orders, payments, refunds, notifications, idempotency_keys"
Build = Callable[[Settings, Connections], Modules]
SECRET = "a secret of the tests"
Reply = Callable[[dict[str, Any]], httpx.Response]


def captured(_: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"status": "captured"})


def declined(_: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"status": "declined", "reason": "card_declined"})


def hangs(_: dict[str, Any]) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


def is_away(_: dict[str, Any]) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def refuses(_: dict[str, Any]) -> httpx.Response:
    return httpx.Response(409, json={"code": "refund_exceeds_capture"})


class Provider:
    """Answers as told. `charged` and `refunded` are the bodies it was sent."""

    def __init__(self) -> None:
        self.charge: Reply = captured
        self.refund: Reply = lambda _: httpx.Response(200, json={"status": "refunded"})
        self.void: Reply = lambda _: httpx.Response(200, json={"status": "voided"})
        self.charged: list[dict[str, Any]] = []
        self.refunded: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("/void"):
            return self.void(body)
        if request.url.path.endswith("/refunds"):
            self.refunded.append(body)
            return self.refund(body)
        self.charged.append(body)
        return self.charge(body)


class _Tokens:
    """Believes the header: `Bearer ada` is the customer ada, and `Bearer admin` an admin."""

    def verify(self, authorization: str | None) -> Principal:
        name = (authorization or "").removeprefix("Bearer ")
        if not name:
            raise Unauthenticated("Send a token.")
        return Principal(name, f"{name}@customers.example", frozenset({"admin" if name == "admin" else "customer"}))


class Shop:
    """The application, and what tests do with it."""

    def __init__(self, app: Flask, provider: Provider) -> None:
        self.app, self.provider = app, provider
        self.modules: Modules = app.extensions["modules"]
        self.database: Database = self.modules.connections.database

    def ask(self, method: str, path: str, body: Any = None, *, who: str = "ada", key: str = "") -> TestResponse:
        """Send one request and return its answer."""
        client: FlaskClient = self.app.test_client()
        headers = {"Authorization": f"Bearer {who}"} | ({"Idempotency-Key": key} if key else {})
        return client.open(path, method=method, json=body, headers=headers)

    def buy(self, *lines: tuple[str, int], who: str = "ada", key: str = "", **more: Any) -> TestResponse:
        """POST /orders."""
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], "payment_method": "pm_ok"}
        return self.ask("POST", "/orders", body | more, who=who, key=key or new_id())

    def stocks(
        self, sku: str, stock: int = 10, price: int = 500, name: str = "Crunchy Armchair", category: str = "furniture"
    ) -> str:
        """Put a product on the shelf and return its sku."""
        product = {"name": name, "description": "Crunchy.", "category": category, "price": {"amount": price}}
        assert self.ask("PUT", f"/products/{sku}", product, who="admin").status_code == 200
        if stock:
            restocked = self.ask("POST", f"/products/{sku}/restock", {"quantity": stock}, who="admin", key=new_id())
            assert restocked.status_code == 200
        return sku

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what the database holds."""
        return [tuple(row) for row in self.database.fetch_all(text(sql))]

    def change(self, sql: str) -> None:
        """Change what the database holds."""
        self.database.write(text(sql))

    def stock_of(self, sku: str) -> tuple[int, int, int]:
        """Return (available, reserved, sold)."""
        rows = self.rows("SELECT sku, available, reserved, sold FROM stock")
        (counts,) = [numbers for name, *numbers in rows if name == sku]
        available, reserved, sold = counts
        return available, reserved, sold

    def settle(self) -> None:
        """Do what the settle thread does once everything that is open is due."""
        self.change("UPDATE payments SET next_attempt_at = now() WHERE status = 'pending'")
        self.change("UPDATE refunds SET next_attempt_at = now() WHERE status = 'pending'")
        self.modules.recovery.settle_charges()
        self.modules.recovery.settle_refunds()


@contextmanager
def open_shop(settings: Settings, build: Build = build_modules) -> Iterator[Shop]:
    """Open an empty shop on a migrated database, of the modules that `build` returns; their threads do not run."""
    provider = Provider()
    modules = build(settings, connect(settings, httpx.MockTransport(provider.answer)))
    app = create_app(settings, modules)
    app.extensions["tokens"] = _Tokens()
    opened = Shop(app, provider)
    opened.change(f"TRUNCATE {TABLES}")
    try:
        yield opened
    finally:
        modules.close()
