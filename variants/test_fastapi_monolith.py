"""The monolith behind FastAPI answers the same routes with the same modules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.routing import Route

from monolith.app import create_app as flask_app
from monolith.config import Settings
from monolith.modules import build_modules, connect
from shared.domain.ids import new_id
from tests.monolith_stage import Provider, Shop, open_shop
from variants import fastapi_monolith


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    with open_shop(settings) as opened:
        yield opened


def test_it_has_the_routes_of_the_monolith_and_no_others(settings: Settings) -> None:
    modules = build_modules(settings, connect(settings, httpx.MockTransport(Provider().answer)))
    routers = fastapi_monolith.routers_of(settings, modules)
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    ours = {(method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    theirs = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in flask_app(settings, modules).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    modules.close()

    assert ours == theirs


def test_an_order_placed_behind_one_framework_is_replayed_byte_for_byte_behind_the_other(
    settings: Settings, shop: Shop
) -> None:
    sku, key = shop.stocks("CRUNCHY-1"), new_id()
    first = shop.buy((sku, 1), key=key)
    modules = build_modules(settings, connect(settings, httpx.MockTransport(Provider().answer)))
    app = fastapi_monolith.create_app(settings, modules)
    tokens = app.state.token_verifier = shop.app.extensions["tokens"]
    tokens.cached = tokens.verify

    body = {"lines": [{"sku": sku, "quantity": 1}], "payment_method": "pm_ok"}
    headers = {"Authorization": "Bearer ada", "Idempotency-Key": key}

    async def ask() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            return await client.post("/orders", json=body, headers=headers), await client.get(
                "/orders", headers=headers
            )

    again, listed = asyncio.run(ask())
    modules.close()

    assert (again.status_code, again.content) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [order["id"] for order in listed.json()["items"]] == [first.get_json()["id"]]
