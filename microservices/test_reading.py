"""Who follows an order through the services, from route to database and back, opens few files, none of them long."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from joserfc.jwk import OKPKey

from microservices.catalog.app import create_app as create_catalog
from microservices.catalog.config import CatalogSettings
from microservices.catalog.seeding import seed_if_empty
from microservices.kit.reset import reset
from microservices.kit.runtime import ServiceRuntime
from microservices.kit.settings import ServiceSettings
from microservices.orders.app import create_app as create_orders
from microservices.orders.config import OrdersSettings
from microservices.payments.app import create_app as create_payments
from microservices.payments.config import PaymentsSettings
from shared.platform.settings import CommonSettings, ProviderSettings
from shared.platform.tokens import Principal
from shared.seed import products

SERVICES = Path(__file__).parent
PAGE = SERVICES.parent / "docs/files.md"
MOST_LINES = 250
# Which files run for one order that is confirmed; docs/files.md lists them in the order in which one opens them.
OPENED = (
    "orders/routes.py",
    "kit/web.py",
    "orders/place_order.py",
    "orders/service.py",
    "orders/order.py",
    "kit/database.py",
    "orders/clients.py",
    "kit/peers.py",
    "catalog/routes.py",
    "catalog/stock.py",
    "payments/routes.py",
    "payments/charges.py",
)


class _Tokens:
    """Believes everybody to be the customer Ada."""

    def cached(self, _: str | None) -> Principal:
        return Principal("ada", "ada@customers.example", frozenset({"customer"}))


class _Runtime(ServiceRuntime):
    """Calls the other services, and a provider that captures every charge, in this process."""

    def __init__(
        self, name: str, settings: ServiceSettings, transports: Mapping[str, httpx.AsyncBaseTransport]
    ) -> None:
        super().__init__(name, settings)
        self._transports = transports

    def transport(self, peer: str) -> httpx.AsyncBaseTransport:
        return self._transports[peer]


def _captures(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"status": "captured"})


async def _order(urls: Mapping[str, str], keys: dict[str, str], ran: set[str]) -> httpx.Response:
    """Place one order, and note which files of the build run meanwhile. The services' loops do not run."""
    common: dict[str, Any] = {"twinshop_mode": "local", "inner_timeout_s": 60.0, **keys}  # profiled calls are slow
    provider = dict.fromkeys(ProviderSettings.REQUIRED, "x")
    catalog_settings = CatalogSettings(**common, database_url=urls["catalog"])
    catalog = _Runtime("catalog", catalog_settings, {})
    payments_settings = PaymentsSettings(**common | provider, database_url=urls["payments"])
    payments = _Runtime("payments", payments_settings, {"provider": httpx.MockTransport(_captures)})
    catalog_app, payments_app = create_catalog(catalog_settings, catalog), create_payments(payments_settings, payments)
    orders_settings = OrdersSettings(**common, database_url=urls["orders"])
    inner = {"catalog": httpx.ASGITransport(catalog_app), "payments": httpx.ASGITransport(payments_app)}
    orders = _Runtime("orders", orders_settings, inner)
    app = create_orders(orders_settings, orders)
    app.state.token_verifier = _Tokens()
    body = {"lines": [{"sku": next(iter(products(1))).sku, "quantity": 1}], "payment_method": "pm_ok"}

    def note(frame: FrameType, _event: str, _argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(SERVICES) and path != Path(__file__):
            ran.add(str(path.relative_to(SERVICES)))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        for runtime in (catalog, orders, payments):  # connected before: that takes long while every call is noted
            assert await runtime.database.is_ready()
        sys.setprofile(note)
        try:
            return await client.post("/orders", json=body, headers={"Idempotency-Key": "key-1"})
        finally:
            sys.setprofile(None)
            for runtime in (catalog, orders, payments):
                await runtime.database.close()


def test_an_order_takes_a_reader_through_these_files(service_database_urls: dict[str, str], tmp_path: Path) -> None:
    private, public, ran = tmp_path / "orders.jwk", tmp_path / "public.json", set[str]()
    key = OKPKey.generate_key("Ed25519")
    private.write_text(json.dumps(key.as_dict(private=True)))
    public.write_text(json.dumps({"orders": key.as_dict(private=False)}))

    async def run() -> httpx.Response:
        for name in ("catalog", "orders", "payments"):
            settings = CommonSettings(twinshop_mode="local", database_url=service_database_urls[name])
            seed = partial(seed_if_empty, count=1) if name == "catalog" else None
            await reset(settings, f"microservices.{name}", seed)
        keys = {"service_private_key": str(private), "service_public_keys": str(public)}
        return await _order(service_database_urls, keys, ran)

    answer = asyncio.run(run())

    assert answer.status_code == 201, answer.text
    assert ran == set(OPENED)


def test_none_of_them_is_long() -> None:
    lines = {name: len((SERVICES / name).read_text("utf-8").splitlines()) for name in OPENED}

    assert max(lines.values()) <= MOST_LINES, lines


def test_the_page_lists_them_in_this_order() -> None:
    text = PAGE.read_text("utf-8")

    places = [text.index(f"`microservices/{name}`") for name in OPENED]

    assert places == sorted(places)
