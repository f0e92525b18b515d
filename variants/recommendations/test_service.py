"""The service learns from the events of orders, whatever order they come in, and asks the catalog what it sells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import psycopg
import pytest
from sqlalchemy import text

from microservices.kit.database import Database
from microservices.kit.peers import Peer
from shared.contract.bodies import MoneyBody, OrderLine
from shared.contract.events import OrderEvent, OrderEventType
from shared.domain.errors import Unavailable
from shared.domain.ids import new_id
from shared.platform.metrics import Metrics
from variants.recommendations.conftest import PRODUCTS
from variants.recommendations.service import Recommendations, make_tables
from variants.recommendations.settings import RecommendationSettings

ORDER = new_id()
WITHIN_MS = 50
Scene = Callable[["Stage"], Awaitable[None]]


class Stage:
    """The service on a database, with a catalog that answers a product a page."""

    def __init__(self, url: str, models: Path) -> None:
        self.catalog_is_away = False
        self.database = Database(url, 2, Metrics(), "test")
        self.catalog = Peer(
            "catalog", "http://catalog", deadline_s=1, metrics=Metrics(), transport=httpx.MockTransport(self._answer)
        )
        settings = RecommendationSettings(
            model_dir=str(models), train_after_orders=1, recommend_within_ms=WITHIN_MS, inference_threads=1
        )
        self.service = Recommendations(self.database, self.catalog, settings)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.catalog_is_away:
            return httpx.Response(503)
        if request.url.path == "/categories":
            return httpx.Response(200, json={"items": [{"name": "all", "product_count": len(PRODUCTS)}]})
        place = int(request.url.params.get("cursor", 0))
        following = str(place + 1) if place + 1 < len(PRODUCTS) else None
        return httpx.Response(200, json={"items": [vars(PRODUCTS[place])], "next_cursor": following})

    async def hear(self, *events: OrderEvent) -> None:
        async with self.database.transaction() as connection:
            await self.service.on_order_events(connection, events)

    async def recommended(self, sku: str = "LAMP") -> list[tuple[str, str]]:
        answer = await self.service.recommend(sku)
        return [(item["sku"], item["why"]) for item in json.loads(answer.body)["items"]]


@pytest.fixture
def play(service_database_urls: dict[str, str], tmp_path: Path) -> Iterator[Callable[[Scene], None]]:
    """Run a scene on a fresh stage. It borrows the database of another service, under a schema of its own."""
    url = service_database_urls["notifications"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA recommendations")
        connection.execute("ALTER ROLE notifications SET search_path = recommendations")

    async def run(scene: Scene) -> None:
        stage = Stage(url, tmp_path)
        try:
            await make_tables(stage.database)
            await scene(stage)
        finally:
            await stage.catalog.close()
            await stage.database.close()

    try:
        yield lambda scene: asyncio.run(run(scene))
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER ROLE notifications RESET search_path")
            connection.execute("DROP SCHEMA recommendations CASCADE")


def event(kind: OrderEventType, version: int, *skus: str, order_id: str = ORDER) -> OrderEvent:
    price = MoneyBody(amount=500)
    lines = [OrderLine(sku=sku, name=sku, quantity=1, unit_price=price, line_total=price) for sku in skus]
    return OrderEvent(
        id=new_id(), type=kind, occurred_at="2026-11-29T00:00:00Z", order_id=order_id, version=version,
        customer_id="ada", email="ada@customers.example", lines=lines, total=price,
    )  # fmt: skip


def test_a_confirmed_order_teaches_what_goes_together(play: Callable[[Scene], None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.hear(event("order.confirmed", 2, "LAMP", "SOFA"))

        await stage.service.look()

        assert await stage.recommended() == [("SOFA", "bought_together"), ("LANTERN", "similar")]

    play(scene)


@pytest.mark.parametrize("backwards", [False, True])
def test_an_order_that_was_cancelled_teaches_nothing_whichever_event_comes_first(
    play: Callable[[Scene], None], backwards: bool
) -> None:
    events = [event("order.confirmed", 2, "LAMP", "SOFA"), event("order.cancelled", 4, "LAMP", "SOFA")]

    async def scene(stage: Stage) -> None:
        for one in reversed(events) if backwards else events:
            await stage.hear(one)

        await stage.service.look()

        assert await stage.recommended() == [("LANTERN", "similar")]

    play(scene)


def test_who_finds_all_threads_busy_is_shown_the_bestsellers_in_time(play: Callable[[Scene], None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.hear(event("order.confirmed", 2, "LAMP", "SOFA"))
        await stage.service.look()
        await stage.service._threads.acquire_on_behalf_of(stage)

        with anyio.fail_after(2):
            assert await stage.recommended() == [("SOFA", "popular")]

    play(scene)


def test_while_the_catalog_is_away_the_last_model_serves_on(play: Callable[[Scene], None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.service.look()
        stage.catalog_is_away = True
        await stage.hear(event("order.confirmed", 2, "LAMP", "SOFA"))

        with pytest.raises(Unavailable, match="catalog answers 503"):
            await stage.service.look()

        assert await stage.recommended() == [("LANTERN", "similar")]

    play(scene)


def test_whoever_checks_the_books_finds_nothing_unfinished(play: Callable[[Scene], None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.hear(event("order.confirmed", 2, "LAMP", "SOFA"))

        assert await stage.database.read(text("SELECT kind, id, state, age_s FROM v_unfinished")) == []

    play(scene)


def test_more_orders_at_a_time_are_all_kept(play: Callable[[Scene], None]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.hear(*(event("order.confirmed", 2, "LAMP", "SOFA", order_id=new_id()) for _ in range(3)))

        rows: Any = await stage.service._baskets()

        assert rows == [["LAMP", "SOFA"]] * 3

    play(scene)
